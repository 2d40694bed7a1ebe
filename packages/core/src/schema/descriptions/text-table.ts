// The form in which descriptions are written down.

/** Message -> field -> text; the text of the message itself stands under the empty name. */
export type Descriptions = Readonly<Record<string, Readonly<Record<string, string>>>>;
