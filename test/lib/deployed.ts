import { readFileSync } from "node:fs";
import { App, type AppProps, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { createStacks } from "../../lib/deployment.ts";

export interface Deployed {
  readonly app: App;
  readonly data: Template;
  readonly service: Template;
  /** The stack within the service's. Undefined: there is none. */
  readonly callerRates: Template | undefined;
}

export type Properties = Readonly<Record<string, unknown>>;

/** An app with the flags of cdk.json, and stubs in place of the functions' bundles. */
export function newApp(context: Properties = {}, props: AppProps = {}): App {
  const { context: flags } = JSON.parse(readFileSync("cdk.json", "utf8")) as {
    context: Properties;
  };
  return new App({ context: { ...flags, "aws:cdk:bundling-stacks": [], ...context }, ...props });
}

/**
 * The templates of a deployment with these settings. A suite synthesises each deployment once. The rules
 * for templates are evaluated in deployment.test.ts alone: loading them takes ten times as long as a
 * synthesis.
 */
export function deployed(context: Properties = {}): Deployed {
  const key = JSON.stringify(context);
  const known = deployments.get(key) ?? synthesise(context);
  deployments.set(key, known);
  return known;
}

const deployments = new Map<string, Deployed>();

function synthesise(context: Properties): Deployed {
  const app = newApp(context, { builtinCloudFormationValidation: false });
  const { data, service } = createStacks(app);
  const callerRates = service.node.tryFindChild("CallerRates");
  return {
    app,
    data: Template.fromStack(data),
    service: Template.fromStack(service),
    callerRates: callerRates && Template.fromStack(Stack.of(callerRates)),
  };
}

/** The only resource of a type with this beginning of its logical id. */
export function resource(template: Template, type: string, idPrefix = ""): Properties {
  const found = Object.entries(template.findResources(type)).filter(([id]) =>
    id.startsWith(idPrefix),
  );
  const [only] = found;
  if (only === undefined || found.length > 1) {
    throw new Error(`${found.length} resources ${type} ${idPrefix}`);
  }
  return only[1] as Properties;
}

export const propertiesOf = (template: Template, type: string, idPrefix = ""): Properties =>
  resource(template, type, idPrefix).Properties as Properties;

/** Replaces intrinsic functions by the id that they refer to. */
export function legible(value: unknown): unknown {
  const text = JSON.stringify(value)
    .replace(
      /\{"Fn::ImportValue":"[\w-]+:ExportsOutput(?:Ref|FnGetAtt)(\w+?)[0-9A-F]{8}(Arn)?\w*"\}/g,
      '"$1$2"',
    )
    .replace(/\{"Fn::GetAtt":\["(\w+?)[0-9A-F]{8}","Arn"\]\}/g, '"$1Arn"')
    .replace(/\{"Ref":"([\w:]+)"\}/g, '"$1"')
    .replace(/\{"Fn::Join":\["",\[(.*?)\]\]\}/g, (_, parts: string) =>
      JSON.stringify(JSON.parse(`[${parts}]`).join("")),
    );
  return JSON.parse(text);
}
