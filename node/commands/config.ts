/** `config explain`: each setting with its value and where that came from. */
import { readConfig } from '../config.ts';
import type { Json } from '../../protocol/json.ts';
import { environmentName, settings } from '../settings.ts';
import { answered, failed, type CommandContext, type CommandOutcome } from './outcome.ts';

/** `path`: one setting only. */
export function explainConfig(context: CommandContext, path: string | undefined): CommandOutcome {
  const loaded = readConfig(context.home, context.environment, {});
  if (!loaded.ok) return failed('configuration', loaded.refusal);
  const shown = loaded.value.origins.filter((origin) => path === undefined || origin.path === path);
  if (shown.length === 0) {
    const known = settings.map((setting) => setting.path).join(', ');
    return failed('usage', { message: `unknown setting ${path ?? ''}`, hint: `one of ${known}` });
  }
  const lines = shown.flatMap(({ path, value, origin }) => {
    const help = settings.find((setting) => setting.path === path)?.help ?? '';
    return [`${path} = ${JSON.stringify(value)}`, `    ${origin}; ${help}; ${environmentName(path)}`];
  });
  const json = shown.map(({ path, value, origin }) => ({ path, value: value as Json, origin }));
  return answered(lines, json);
}
