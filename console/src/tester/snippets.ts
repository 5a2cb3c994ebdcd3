// The same call in five languages, from its description.

import type { HubCommand, Operation } from './description'

export interface Snippet {
  language: string
  code: string
}

const quoted = (text: string) => JSON.stringify(text)

export function hubSnippets(url: string, command: HubCommand): Snippet[] {
  const list = command.arguments.map((argument) => quoted(argument.example)).join(', ')
  return [
    {
      language: 'JavaScript',
      code: `import * as signalR from '@microsoft/signalr'

const connection = new signalR.HubConnectionBuilder()
  .withUrl(${quoted(url)}, { accessTokenFactory: () => process.env.LEYDEN_API_KEY })
  .withAutomaticReconnect()
  .build()
connection.on(${quoted(command.event)}, (event) => console.log(event))
await connection.start()
await connection.invoke(${quoted(command.name)}, ${list})`,
    },
    {
      language: 'Python',
      code: `import os
from signalrcore.hub_connection_builder import HubConnectionBuilder

connection = (
    HubConnectionBuilder()
    .with_url(${quoted(url)}, options={"access_token_factory": lambda: os.environ["LEYDEN_API_KEY"]})
    .build()
)
connection.on(${quoted(command.event)}, print)
connection.on_open(lambda: connection.send(${quoted(command.name)}, [${list}]))
connection.start()`,
    },
    {
      language: 'C#',
      code: `var connection = new HubConnectionBuilder()
    .WithUrl(${quoted(url)}, options =>
        options.AccessTokenProvider = () => Task.FromResult(Environment.GetEnvironmentVariable("LEYDEN_API_KEY")))
    .WithAutomaticReconnect()
    .Build();
connection.On<object>(${quoted(command.event)}, Console.WriteLine);
await connection.StartAsync();
await connection.InvokeAsync(${quoted(command.name)}, ${list});`,
    },
  ]
}

export function restSnippets(url: string, operation: Operation): Snippet[] {
  const { method } = operation
  const address = quoted(url + operation.path)
  const body = operation.body === undefined ? '' : JSON.stringify(operation.body)
  const withBody = (text: string) => (body === '' ? '' : text)
  return [
    {
      language: 'curl',
      code: [
        `curl -X ${method} ${address}`,
        '-H "authorization: Bearer $LEYDEN_API_KEY"',
        ...(body === '' ? [] : ["-H 'content-type: application/json'", `-d '${body}'`]),
      ].join(' \\\n  '),
    },
    {
      language: 'JavaScript',
      code: `const answer = await fetch(${address}, {
  method: ${quoted(method)},
  headers: {
    authorization: \`Bearer \${process.env.LEYDEN_API_KEY}\`,${withBody("\n    'content-type': 'application/json',")}
  },${withBody(`\n  body: JSON.stringify(${body}),`)}
})
console.log(answer.status, await answer.json())`,
    },
    {
      language: 'Python',
      code: `import os, requests

key = os.environ["LEYDEN_API_KEY"]
answer = requests.request(
    ${quoted(method)},
    ${address},
    headers={"authorization": "Bearer " + key},${withBody(`\n    data=${quoted(body)},`)}
)
print(answer.status_code, answer.json())`,
    },
    {
      language: 'Rust',
      code: [
        'let answer = reqwest::Client::new()',
        `    .request(reqwest::Method::${method}, ${address})`,
        '    .bearer_auth(std::env::var("LEYDEN_API_KEY")?)',
        ...(body === '' ? [] : ['    .header("content-type", "application/json")', `    .body(r#"${body}"#)`]),
        '    .send()',
        '    .await?;',
        'println!("{} {}", answer.status(), answer.text().await?);',
      ].join('\n'),
    },
    {
      language: 'Go',
      code: [
        `body := strings.NewReader(\`${body}\`)`,
        `request, _ := http.NewRequest(${quoted(method)}, ${address}, body)`,
        'request.Header.Set("Authorization", "Bearer "+os.Getenv("LEYDEN_API_KEY"))',
        ...(body === '' ? [] : ['request.Header.Set("Content-Type", "application/json")']),
        'answer, err := http.DefaultClient.Do(request)',
      ].join('\n'),
    },
  ]
}
