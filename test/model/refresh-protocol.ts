import type { Model, Step } from "./breadth-first.ts";
import { beginSteps, callSteps } from "./caller-steps.ts";
import { encodeState } from "./encoding.ts";
import { initialState, isSame, nameOf, type State, type Token } from "./protocol-state.ts";
import { providerSteps } from "./provider-steps.ts";
import type { Configuration } from "./rules.ts";
import {
  operatorSteps,
  rescueSteps,
  storeSteps,
  timeSteps,
  turnSteps,
} from "./surrounding-steps.ts";

/** The refresh of one connection by several callers, as a model: functions/domain/refresh.ts and rescue.ts. */
export const refreshProtocol = (configuration: Configuration): Model<State> => ({
  initial: initialState(configuration),
  steps: (state) => stepsOf(configuration, state),
  encode: encodeState,
  violation: (state) => violationOf(configuration, state),
});

function stepsOf(configuration: Configuration, state: State): readonly Step<State>[] {
  const { rules } = configuration;
  return [
    ...beginSteps(configuration, state),
    ...state.callers.flatMap((_, at) => callSteps(rules, state, at)),
    ...state.requests.flatMap((_, at) => providerSteps(configuration, state, at)),
    ...state.queue.flatMap((_, at) => rescueSteps(rules, state, at)),
    ...turnSteps(rules, state),
    ...operatorSteps(rules, state),
    ...storeSteps(state),
    ...timeSteps(rules, state),
  ];
}

function violationOf({ rotation }: Configuration, state: State): string | undefined {
  const { requests, spentToken } = state;
  const [one, other] = requests;
  if (one !== undefined && other !== undefined && one.token.family === other.token.family) {
    return "two token requests are under way at once";
  }
  if (spentToken !== undefined) {
    const outcome = rotation === "strict" ? "the provider revokes the family" : "it is refused";
    return `${nameOf(spentToken)} is presented although it was replaced: ${outcome}`;
  }
  const newest = newestToken(state);
  if (newest !== undefined && !isSomewhere(state, newest)) {
    return `${nameOf(newest)} is lost: it is in no store, no queue and no process`;
  }
  return undefined;
}

/** The newest token of the user's last authorization. Undefined: there is none, or its loss is excused. */
function newestToken({ authorized, families }: State): Token | undefined {
  const family = authorized === undefined ? undefined : families[authorized];
  if (family === undefined || authorized === undefined || family.isExcused) return undefined;
  return { family: authorized, generation: family.generation };
}

const isSomewhere = ({ item, queue, callers }: State, newest: Token): boolean =>
  (item !== undefined && !item.isDeleted && isSame(item.token, newest)) ||
  queue.some(({ token }) => isSame(token, newest)) ||
  callers.some(({ phase, granted }) => phase === "granted" && isSame(granted, newest));
