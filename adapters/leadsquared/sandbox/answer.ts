/** What the stand-in server answers, in the shapes LeadSquared documents (apidocs.leadsquared.com/error-handling/). */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type Disguise = '429' | '403' | '200';

export function json(status: number, value: unknown): Answer {
  return { status, headers: { 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify(value) };
}

export function text(status: number, body: string, contentType = 'text/plain; charset=utf-8'): Answer {
  return { status, headers: { 'content-type': contentType }, body };
}

export function success(message: Readonly<Record<string, unknown>>): Answer {
  return json(200, { Status: 'Success', Message: message });
}

/** Application errors come as HTTP 500 with this body, and now and then as 200. */
export function exception(type: string, message: string, status = 500): Answer {
  return json(status, { Status: 'Error', ExceptionType: type, ExceptionMessage: message });
}

export const missing = (field: string): Answer =>
  exception('MXMandatoryAttributeMissingException', `'${field}' is mandatory`);

export const invalid = (why: string): Answer => exception('MXInvalidInputException', `Invalid Input! ${why}`);

export const wrongType = (field: string, wanted: string): Answer =>
  exception('MXInvalidDataTypeException', `'${field}' has an invalid data type, expected ${wanted}`);

export const badRequest = (why: string): Answer =>
  json(400, { Status: 'Error', ExceptionType: 'BadRequest', ExceptionMessage: why });

/** The refusal for too many requests. Three forms of it have been seen; the account and the day decide which. */
export function rateRefusal(disguise: Disguise, limit: number, windowMs: number): Answer {
  const sentence = `API calls exceeded the limit of ${limit} in ${windowMs / 1000} second(s)`;
  switch (disguise) {
    case '429':
      return exception('MXAPIRateLimitExceededException', sentence, 429);
    case '403':
      return text(403, sentence);
    case '200':
      return exception('MXAPIRateLimitExceededException', sentence, 200);
  }
}
