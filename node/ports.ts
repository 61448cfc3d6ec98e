/** Small ports that several parts of the node share. */

/** Structured log: fields first, then what happened, as pino has it. Never a patient's data, never a secret. */
export interface Log {
  readonly debug: (fields: object, message: string) => void;
  readonly info: (fields: object, message: string) => void;
  readonly warn: (fields: object, message: string) => void;
  readonly error: (fields: object, message: string) => void;
}
