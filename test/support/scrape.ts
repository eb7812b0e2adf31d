/** Metrics as a scraper reads them. */
import { once } from 'node:events';
import { type RequestOptions, request } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** One request; `to` names the socket or the port. */
export async function get(path: string, to: RequestOptions): Promise<Answer> {
  const sent = request({ ...to, path, agent: false });
  sent.end();
  const [response] = await once(sent, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode, type: response.headers['content-type'], text };
}

/** Value by series, `name{label="value",...}` with the labels in the order of the text. */
export function seriesOf(text: string): ReadonlyMap<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

/** Names in the order of the text, those of histograms without their endings. */
export function namesOf(text: string): readonly string[] {
  return [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name = '']) => name);
}
