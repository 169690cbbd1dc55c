/** Properties that would be accepted and do nothing: in the words of `inspect`. */
import { TROUBLES } from '../catalogue/index.js';
import { notDelegated, notTaken } from '../inspect/causes.js';
import type { Finding, Limit } from '../model/index.js';
import { isPropertyName, type PropertyName, propertySpec } from '../properties/index.js';
import type { Lint, Subject } from './subject.js';

/** The user's manager was not given the controller that the property needs. */
export function lintControllers({ profile, limits, machine, uid }: Subject): Lint[] {
  const { controllers } = machine;
  if (controllers === undefined) return [];
  return known(limits).flatMap(({ name, text }) => {
    const { controller } = propertySpec(name);
    if (controller === undefined || controllers.includes(controller)) return [];
    const context = { controllers, ...(uid === undefined ? {} : { uid }) };
    const lint = lintOf(name, notDelegated({ name, text }, controller, context));
    return [profile.layer === 'built-in' ? { ...lint, severity: 'warning' } : lint];
  });
}

/**
 * No unit of this systemd takes the property. One that only scopes do not take (OOMPolicy before
 * 253) is none: the profile may be a service's, and `run` says itself what it leaves out.
 */
export function lintVersions({ limits, machine: { systemd } }: Subject): Lint[] {
  if (systemd === undefined) return [];
  return known(limits).flatMap(({ name, text }) => {
    const first = Math.min(...Object.values(propertySpec(name).since));
    const finding = first > systemd ? notTaken({ name, text }, { systemd }) : undefined;
    return finding === undefined ? [] : [lintOf(name, finding)];
  });
}

function known(limits: readonly Limit[]): { name: PropertyName; text: string }[] {
  return limits.flatMap(({ property, value }) =>
    isPropertyName(property) ? [{ name: property, text: value }] : [],
  );
}

function lintOf(name: PropertyName, { id, severity, cause, remedy }: Finding): Lint {
  return {
    id,
    severity,
    key: `limits.${name}`,
    message: `${name}: ${cause}`,
    why: TROUBLES[id].why,
    ...(remedy === undefined ? {} : { remedy }),
  };
}
