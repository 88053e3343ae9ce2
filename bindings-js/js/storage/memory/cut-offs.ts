/** Cut-offs: stored statements that kill tokens without naming them. */

import type { CutOff, KeyCutOff, SubjectCutOff, TenantCutOff } from "../../host.js";
import { raisedKey, raisedSubject, raisedTenant } from "./copies.js";
import type { CutOffCell, State } from "./state.js";

let order = 0;

/** Stores a cut-off or raises the one that is there; a subject's raises its epoch. */
export function raiseCutOff(state: State, cutOff: CutOff): void {
  if ("subject" in cutOff) {
    const { tenant, subject: name, below } = cutOff.subject;
    const subject = state.tenant(tenant).subject(name);
    subject.epoch = Math.max(subject.epoch, below);
    raiseSubject(state, cutOff.subject);
  } else if ("tenant" in cutOff) {
    raiseTenant(state, cutOff.tenant);
  } else {
    raiseKey(state, cutOff.key);
  }
}

/** Stores or raises a subject's cut-off alone, without its epoch. */
export function raiseSubject(state: State, given: SubjectCutOff): void {
  const tenant = state.tenant(given.tenant);
  const purpose = given.purpose ?? undefined;
  const subject = tenant.subject(given.subject);
  const cells = (subject.cutOffs ??= new Map());
  const known = cells.get(purpose);
  const raised = raisedSubject(known === undefined ? undefined : (known.cutOff as { subject: SubjectCutOff }).subject, given);
  const forget = (): void => {
    cells.delete(purpose);
    if (cells.size === 0 && subject.cutOffs === cells) subject.cutOffs = undefined;
    tenant.forgetSubject(given.subject);
    state.forgetTenant(given.tenant);
  };
  cells.set(purpose, put(state, known, { subject: raised }, raised.forgetAt, forget));
}

function raiseTenant(state: State, given: TenantCutOff): void {
  const tenant = state.tenant(given.tenant);
  const known = tenant.cutOff;
  const raised = raisedTenant(known === undefined ? undefined : (known.cutOff as { tenant: TenantCutOff }).tenant, given);
  const forget = (): void => {
    tenant.cutOff = undefined;
    state.forgetTenant(given.tenant);
  };
  tenant.cutOff = put(state, known, { tenant: raised }, raised.forgetAt, forget);
}

function raiseKey(state: State, given: KeyCutOff): void {
  const known = state.keys.get(given.kid);
  const raised = raisedKey(known === undefined ? undefined : (known.cutOff as { key: KeyCutOff }).key, given);
  state.keys.set(given.kid, put(state, known, { key: raised }, raised.forgetAt, () => state.keys.delete(given.kid)));
}

/** The cell with what it holds now, in its place among the ends. */
function put(state: State, known: CutOffCell | undefined, cutOff: CutOff, forgetAt: number, forget: () => void): CutOffCell {
  const cell = known ?? { cutOff, forgetAt, order: order++, forget };
  state.cutOffEnds.delete(cell);
  cell.cutOff = Object.freeze(cutOff);
  cell.forgetAt = forgetAt;
  state.cutOffEnds.add(cell);
  return cell;
}
