/** `purpose` in the encryption context of what the token key encrypts, beside the data keys of connections. */
export const branchKeyPurpose = "branch-key";

/** The members of the encryption context of a data key, all of them. */
export const connectionContextKeys = ["workspace_id", "connection_id"] as const;
/** The members of the encryption context of a branch key, all of them. */
export const branchContextKeys = ["purpose", "stage", "branch", "version"] as const;

/** `purpose` in the encryption context of an operator's permission to send tokens elsewhere. */
export const rebindPurpose = "rebind";
/** The members of the encryption context of such a permission, all of them. */
export const rebindContextKeys = ["purpose", "stage", "client_id", "origin"] as const;
