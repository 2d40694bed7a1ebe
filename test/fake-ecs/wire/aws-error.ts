// An answer that is an error, as the three services spell it on the wire.

export class AwsError extends Error {
  readonly code: string;
  readonly status: number;
  readonly members: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    message: string,
    more: { readonly status?: number; readonly members?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message);
    this.code = code;
    this.status = more.status ?? 400;
    this.members = more.members ?? {};
  }
}

export const invalidParameter = (message: string): AwsError =>
  new AwsError("InvalidParameterException", message);

export const clientError = (message: string): AwsError => new AwsError("ClientException", message);

export const throttled = (message = "Rate exceeded"): AwsError =>
  new AwsError("ThrottlingException", message);
