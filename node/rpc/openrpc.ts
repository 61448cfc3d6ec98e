/** The OpenRPC document of rpc.discover, made from the schemas that validate the calls and from the list of errors. */
import * as z from 'zod';
import type { Json } from '../../protocol/json.ts';
import type { JsonObject } from './contract.ts';
import { errorEntries } from './errors.ts';
import type { Method } from './method.ts';

type JsonSchema = { readonly [key: string]: Json };

const errors: readonly JsonObject[] = Object.entries(errorEntries).map(([name, { code, retry, hint }]) => ({
  code,
  message: name,
  data: { name, retry, hint },
}));

/** OpenRPC 1.3. Parameters go by name; a method whose parameters have alternatives says so under `x-alternatives`. */
export function openRpcDocument(methods: readonly Method[], version: string): JsonObject {
  return {
    openrpc: '1.3.2',
    info: {
      title: 'rxledger',
      version,
      description:
        'Bytes are 0x and lower-case hex; times RFC 3339 in UTC with milliseconds; amounts and heights integers. Every method may answer with an error of components.errors.',
    },
    methods: methods.map(methodDocument),
    components: { errors },
  };
}

function methodDocument(method: Method): JsonObject {
  const params = schemaOf(method.params);
  const alternatives = (params['anyOf'] ?? null) as readonly JsonSchema[] | null;
  const shown = alternatives === null ? params : (alternatives[0] ?? {});
  return {
    name: method.name,
    summary: method.summary,
    paramStructure: 'by-name',
    params: descriptors(shown),
    ...(alternatives === null ? {} : { 'x-alternatives': alternatives }),
    result: { name: 'result', schema: schemaOf(method.result) },
  };
}

function descriptors(schema: JsonSchema): readonly JsonObject[] {
  const properties = (schema['properties'] ?? {}) as { readonly [key: string]: JsonSchema };
  const required = (schema['required'] ?? []) as readonly string[];
  return Object.entries(properties).map(([name, property]) => ({
    name,
    required: required.includes(name),
    schema: property,
  }));
}

/** The JSON side of a schema: what a caller sends, or gets. */
function schemaOf(schema: z.ZodType): JsonSchema {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest as unknown as JsonSchema;
}
