import type { Step } from "./breadth-first.ts";
import {
  afterFault,
  callOf,
  changedAt,
  type Family,
  nameOf,
  type State,
  type Token,
  type TokenRequest,
  ticks,
  withCaller,
} from "./protocol-state.ts";
import type { Configuration, Rotation } from "./rules.ts";
import { nextVersion } from "./store-writes.ts";

type StateStep = Step<State>;

/** Everything that can become of one token request. */
export function providerSteps(
  configuration: Configuration,
  state: State,
  at: number,
): readonly StateStep[] {
  const request = state.requests[at];
  if (request === undefined) return [];
  const without = { ...state, requests: state.requests.filter((_, i) => i !== at) };
  const caller = state.callers.findIndex(({ call }) => call === request.call);
  if (caller < 0) return unawaited(configuration, without, request);
  const steps = [respond(configuration, without, request, caller)];
  const faulty = afterFault(without, "ambiguousEnds");
  return faulty === undefined
    ? steps
    : [...steps, ...ambiguousEnds(configuration, faulty, request, caller)];
}

function respond(
  { rules, rotation }: Configuration,
  state: State,
  { token }: TokenRequest,
  at: number,
): StateStep {
  const { granted, state: processed } = process(rotation, state, token);
  const who = callOf(state, at);
  if (granted === undefined) {
    const text = `the provider refuses ${nameOf(token)} of ${who}`;
    return { text, state: withCaller(processed, at, { phase: "refused" }) };
  }
  const version = state.callers[at]?.version ?? 0;
  return {
    text: `the provider grants ${nameOf(granted)} to ${who}`,
    state: withCaller(processed, at, {
      ...{ phase: "granted", granted, grantedVersion: nextVersion(rules, state, version) },
    }),
  };
}

/** The caller does not know whether the token was rotated: it was, or it will be, or it will not. */
function ambiguousEnds(
  { rotation }: Configuration,
  state: State,
  request: TokenRequest,
  at: number,
): readonly StateStep[] {
  const { token } = request;
  const who = callOf(state, at);
  const phase = state.callers[at]?.timesOutIn === 0 ? "timed_out" : "reset";
  const words = phase === "timed_out" ? `${who} times out` : `the connection of ${who} is reset`;
  const { granted, state: processed } = process(rotation, state, token);
  const pending = { ...state, requests: [...state.requests, { ...request, call: undefined }] };
  return [
    { text: `${words} before the provider has decided`, state: withCaller(pending, at, { phase }) },
    ...(granted === undefined
      ? []
      : [
          {
            text: `${words} after the provider has granted ${nameOf(granted)}`,
            state: withCaller(excuse(processed, token), at, { phase }),
          },
        ]),
  ];
}

function unawaited(
  { rotation }: Configuration,
  state: State,
  { token }: TokenRequest,
): readonly StateStep[] {
  const { granted, state: processed } = process(rotation, state, token);
  const text =
    granted === undefined
      ? `the provider refuses ${nameOf(token)}, and nobody learns of it`
      : `the provider grants ${nameOf(granted)}, and nobody receives it`;
  return [
    { text: `the request with ${nameOf(token)} is lost on its way`, state },
    { text, state: granted === undefined ? processed : excuse(processed, token) },
  ];
}

const excuse = (state: State, { family }: Token): State => ({
  ...state,
  families: changedAt(state.families, family, { isExcused: true }),
});

interface Processed {
  /** Undefined: refused. */
  readonly granted: Token | undefined;
  readonly state: State;
}

function process(rotation: Rotation, state: State, token: Token): Processed {
  const family = state.families[token.family];
  if (family === undefined || family.isRevoked) return { granted: undefined, state };
  if (rotation === "none") return { granted: token, state };
  if (!accepts(family, token)) return refuse(rotation, state, family, token);
  const generation = family.generation + 1;
  const graceLeft = rotation === "grace" ? ticks.grace : 0;
  const families = changedAt(state.families, token.family, { generation, graceLeft });
  return { granted: { family: token.family, generation }, state: { ...state, families } };
}

const accepts = ({ generation, graceLeft }: Family, token: Token): boolean =>
  token.generation === generation || (token.generation === generation - 1 && graceLeft > 0);

/** A strict provider revokes the family. A family that is not the connection's any more may be. */
function refuse(rotation: Rotation, state: State, family: Family, token: Token): Processed {
  const isRevoked = rotation === "strict";
  const families = changedAt(state.families, token.family, { isRevoked });
  const isFault = token.family === state.authorized && !family.isExcused;
  const spentToken = isFault ? token : state.spentToken;
  return { granted: undefined, state: { ...state, families, spentToken } };
}
