import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// `npm run dev` serves the pages and passes every call on to a server: LEYDEN_URL, or the sandbox's usual address.
const server = process.env['LEYDEN_URL'] ?? 'http://127.0.0.1:3080'

export default defineConfig({
  plugins: [react()],
  build: { target: 'es2022', assetsInlineLimit: 0, chunkSizeWarningLimit: 1200 },
  server: {
    proxy: Object.fromEntries(
      ['/v1', '/admin', '/sandbox', '/ExecutionLiveServer', '/openapi.json'].map((path) => [
        path,
        { target: server, ws: true },
      ]),
    ),
  },
})
