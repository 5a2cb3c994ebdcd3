// What can be called, as the server describes it.

import { useQuery } from '@tanstack/react-query'

import { call } from '../api/client'

export interface Argument {
  name: string
  type: string
  required: boolean
  description: string
  example: string
}

export interface HubCommand {
  name: string
  description: string
  arguments: Argument[]
  event: string
  subjects: string[]
  example_event: unknown
}

export interface HubDescription {
  path: string
  commands: HubCommand[]
}

export interface Operation {
  method: string
  path: string
  summary: string
  description: string
  parameters: { name: string; in: 'path' | 'query'; required: boolean; description: string }[]
  body: unknown
}

export function useHubDescription() {
  return useQuery({
    queryKey: ['hub.json'],
    queryFn: ({ signal }) => call<HubDescription>('/hub.json', { signal }),
    staleTime: Infinity,
  })
}

interface OpenApi {
  paths: Record<string, Record<string, OpenApiOperation>>
  components?: { schemas?: Record<string, unknown> }
}

interface OpenApiOperation {
  summary?: string
  description?: string
  parameters?: { name: string; in: string; required?: boolean; description?: string }[]
  requestBody?: { content?: Record<string, { example?: unknown; schema?: Schema }> }
}

interface Schema {
  $ref?: string
  type?: string | string[]
  properties?: Record<string, Schema>
  example?: unknown
  examples?: unknown[]
  default?: unknown
}

/** A body with every property that the schema shows an example of. */
function example(schema: Schema | undefined, document: OpenApi, depth = 0): unknown {
  if (schema === undefined || depth > 4) return undefined
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split('/').at(-1) ?? ''
    return example(document.components?.schemas?.[name] as Schema | undefined, document, depth + 1)
  }
  const own = schema.example ?? schema.examples?.[0] ?? schema.default
  if (own !== undefined) return own
  if (schema.properties === undefined) return undefined
  const members = Object.entries(schema.properties).map(([name, member]) => [
    name,
    example(member, document, depth + 1),
  ])
  return Object.fromEntries(members.filter(([, value]) => value !== undefined))
}

export function operations(document: OpenApi): Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const json = operation.requestBody?.content?.['application/json']
      return {
        method: method.toUpperCase(),
        path,
        summary: operation.summary ?? path,
        description: operation.description ?? '',
        parameters: (operation.parameters ?? [])
          .filter((parameter) => parameter.in === 'path' || parameter.in === 'query')
          .map((parameter) => ({
            name: parameter.name,
            in: parameter.in as 'path' | 'query',
            required: parameter.required ?? false,
            description: parameter.description ?? '',
          })),
        body: json?.example ?? example(json?.schema, document),
      }
    }),
  )
}

export function useOperations() {
  return useQuery({
    queryKey: ['openapi.json'],
    queryFn: ({ signal }) => call<OpenApi>('/openapi.json', { signal }),
    staleTime: Infinity,
    select: operations,
  })
}
