import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import {
  type ConnectionKey,
  isConnectionId,
  isWorkspaceId,
} from "../../domain/model/connection.ts";
import {
  type HoldScope,
  holdReasons,
  type IntegrationHold,
  type IntegrationTrouble,
  type TroubleWindow,
} from "../../domain/model/integration-hold.ts";
import { valueIfValid } from "../../validation/check.ts";
import { workspaceIdCheck } from "../../validation/identifiers.ts";
import { list, optional } from "../../validation/structures.ts";
import { oneOf, string, wholeNumber } from "../../validation/values.ts";
import { attributes, type Item, numberAttribute } from "./attributes.ts";

/*
 * One item a registration, so that one read shows all of its trouble. An attribute for each hold and for each
 * window, named by its scope, so that each changes under a condition of its own:
 *
 *     hold#https://eu.acme.example#*      {origin, reason, began_at_ms, until_ms, …}
 *     window#https://eu.acme.example      {origin, began_at_ms}
 */

export const holdAttribute = ({ origin, workspaceId }: HoldScope): string =>
  `hold#${origin ?? "*"}#${workspaceId ?? "*"}`;

export const windowAttribute = ({ origin = "*" }: Pick<TroubleWindow, "origin">): string =>
  `window#${origin}`;

export const holdMap = (hold: IntegrationHold): AttributeValue => ({
  M: {
    ...originMember(hold.scope),
    ...(hold.scope.workspaceId !== undefined && { workspace_id: { S: hold.scope.workspaceId } }),
    reason: { S: hold.reason },
    began_at_ms: numberAttribute(hold.beganAtMs),
    until_ms: numberAttribute(hold.untilMs),
    hold_count: numberAttribute(hold.count),
    registration_version: { S: hold.registrationVersion },
    failing: { L: hold.failing.map((key) => ({ S: connectionName(key) })) },
    tried_at_ms: numberAttribute(hold.triedAtMs),
  },
});

export const windowMap = (window: TroubleWindow): AttributeValue => ({
  M: { ...originMember(window), began_at_ms: numberAttribute(window.beganAtMs) },
});

const originMember = ({ origin }: Pick<HoldScope, "origin">) =>
  origin !== undefined && { origin: { S: origin } };

/** An attribute that is no hold and no window is left out. */
export function troubleIn(item: Item): IntegrationTrouble {
  const attributesOf = (prefix: string): readonly AttributeValue[] =>
    Object.entries(item).flatMap(([name, value]) => (name.startsWith(prefix) ? [value] : []));
  return {
    holds: attributesOf("hold#").map(holdIn).filter(isDefined),
    windows: attributesOf("window#").map(windowIn).filter(isDefined),
  };
}

const holdCheck = attributes({
  origin: optional(string),
  workspace_id: optional(workspaceIdCheck),
  reason: oneOf(holdReasons),
  began_at_ms: wholeNumber,
  until_ms: wholeNumber,
  hold_count: wholeNumber,
  registration_version: string,
  failing: list(string),
  tried_at_ms: wholeNumber,
});

function holdIn({ M: map }: AttributeValue): IntegrationHold | undefined {
  const read = valueIfValid(holdCheck, map);
  if (read === undefined) return undefined;
  return {
    scope: { origin: read.origin, workspaceId: read.workspace_id },
    reason: read.reason,
    beganAtMs: read.began_at_ms,
    untilMs: read.until_ms,
    count: read.hold_count,
    registrationVersion: read.registration_version,
    failing: connectionsIn(read.failing),
    triedAtMs: read.tried_at_ms,
  };
}

const windowCheck = attributes({ origin: optional(string), began_at_ms: wholeNumber });

function windowIn({ M: map }: AttributeValue): TroubleWindow | undefined {
  const read = valueIfValid(windowCheck, map);
  if (read === undefined) return undefined;
  return { origin: read.origin, beganAtMs: read.began_at_ms };
}

const isDefined = <Value>(value: Value | undefined): value is Value => value !== undefined;

/** `wsp_1/conn_1` */
export const connectionName = ({ workspaceId, connectionId }: ConnectionKey): string =>
  `${workspaceId}/${connectionId}`;

export const connectionsIn = (names: readonly string[] = []): readonly ConnectionKey[] =>
  names.flatMap((name) => {
    const [workspaceId, connectionId] = name.split("/");
    return isWorkspaceId(workspaceId) && isConnectionId(connectionId)
      ? [{ workspaceId, connectionId }]
      : [];
  });
