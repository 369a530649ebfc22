import { writeFileSync } from "node:fs";
import { catalogue } from "../functions/adapters/client-registration/registered-provider.ts";
import { providersDocument } from "./docs/providers-document.ts";

writeFileSync(new URL("../docs/providers.md", import.meta.url), providersDocument(catalogue));
