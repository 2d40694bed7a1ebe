// Kubernetes' rules for names, labels and identifiers; each returns its exact messages, none if valid.
import { byteLength } from "./go-text.ts";

const dnsLabelText = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const dnsSubdomainText = `${dnsLabelText}(\\.${dnsLabelText})*`;
const dns1035Text = "[a-z]([-a-z0-9]*[a-z0-9])?";
const qualifiedNameText = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const labelValueText = `(${qualifiedNameText})?`;
const cIdentifierText = "[A-Za-z_][A-Za-z0-9_]*";
const configKeyText = "[-._a-zA-Z0-9]+";
const httpHeaderText = "[-A-Za-z0-9]+";

const whole = (text: string): RegExp => new RegExp(`^${text}$`);
const dnsLabel = whole(dnsLabelText);
const dnsSubdomain = whole(dnsSubdomainText);
const dns1035 = whole(dns1035Text);
const qualified = whole(qualifiedNameText);
const labelValue = whole(labelValueText);
const cIdentifier = whole(cIdentifierText);
const configKey = whole(configKeyText);
const httpHeader = whole(httpHeaderText);

/** Longest DNS label (RFC 1123), label value and name part of a qualified name. */
export const maxLabelLength = 63;
/** Longest DNS subdomain (RFC 1123). */
export const maxSubdomainLength = 253;
const maxPortNameLength = 15;

const tooLongName = (max: number): string => `must be no more than ${max} characters`;
const tooLongText = (max: number): string => `must be no more than ${max} bytes`;
const emptyText = "must be non-empty";

/** In bytes. What matches a rule is ASCII, and its characters need not be counted one by one. */
const isLonger = (value: string, max: number, matches: boolean): boolean =>
  (matches ? value.length : byteLength(value)) > max;

/** `<message> (e.g. 'a' or 'b', regex used for validation is '<regex>')`. */
export function regexMessage(
  message: string,
  regex: string,
  ...examples: readonly string[]
): string {
  if (examples.length === 0) return `${message} (regex used for validation is '${regex}')`;
  const shown = examples.map((example) => `'${example}', `).join(" or ");
  return `${message} (e.g. ${shown}regex used for validation is '${regex}')`;
}

const dnsLabelMessage = regexMessage(
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', " +
    "and must start and end with an alphanumeric character",
  dnsLabelText,
  "my-name",
  "123-abc",
);
const dnsSubdomainMessage = regexMessage(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', " +
    "and must start and end with an alphanumeric character",
  dnsSubdomainText,
  "example.com",
);
const dns1035Message = regexMessage(
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', " +
    "start with an alphabetic character, and end with an alphanumeric character",
  dns1035Text,
  "my-name",
  "abc-123",
);
const qualifiedNameMessage = regexMessage(
  "must consist of alphanumeric characters, '-', '_' or '.', " +
    "and must start and end with an alphanumeric character",
  qualifiedNameText,
  "MyName",
  "my.name",
  "123-abc",
);
const labelValueMessage = regexMessage(
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', " +
    "and must start and end with an alphanumeric character",
  labelValueText,
  "MyValue",
  "my_value",
  "12345",
);
const cIdentifierMessage = regexMessage(
  "a valid C identifier must start with alphabetic character or '_', " +
    "followed by a string of alphanumeric characters or '_'",
  cIdentifierText,
  "my_name",
  "MY_NAME",
  "MyName",
);
const configKeyMessage = regexMessage(
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  configKeyText,
  "key.name",
  "KEY_NAME",
  "key-name",
);
const httpHeaderMessage = regexMessage(
  "a valid HTTP header must consist of alphanumeric characters or '-'",
  httpHeaderText,
  "X-Header-Name",
);

export function isDns1123Label(value: string): string[] {
  const matches = dnsLabel.test(value);
  const messages = isLonger(value, maxLabelLength, matches) ? [tooLongName(maxLabelLength)] : [];
  if (!matches) {
    messages.push(dnsSubdomain.test(value) ? "must not contain dots" : dnsLabelMessage);
  }
  return messages;
}

/** M1 */
export function isDns1123Subdomain(value: string): string[] {
  const matches = dnsSubdomain.test(value);
  const tooLong = isLonger(value, maxSubdomainLength, matches);
  const messages = tooLong ? [tooLongName(maxSubdomainLength)] : [];
  if (!matches) messages.push(dnsSubdomainMessage);
  return messages;
}

export function isDns1035Label(value: string): string[] {
  const messages = byteLength(value) > maxLabelLength ? [tooLongName(maxLabelLength)] : [];
  if (!dns1035.test(value)) messages.push(dns1035Message);
  return messages;
}

function prefixMessages(prefix: string): string[] {
  if (prefix === "") return [`prefix part ${emptyText}`];
  return isDns1123Subdomain(prefix).map((message) => `prefix part ${message}`);
}

/** M8: optional DNS subdomain, `/`, name of at most 63 bytes. */
export function isQualifiedName(value: string): string[] {
  const slash = value.indexOf("/");
  if (slash >= 0 && value.includes("/", slash + 1)) {
    const tail = " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
    return [`a qualified name ${qualifiedNameMessage}${tail}`];
  }
  const messages = slash < 0 ? [] : prefixMessages(value.slice(0, slash));
  const name = value.slice(slash + 1);
  const matches = qualified.test(name);
  if (name === "") messages.push(`name part ${emptyText}`);
  else if (isLonger(name, maxLabelLength, matches)) {
    messages.push(`name part ${tooLongText(maxLabelLength)}`);
  }
  if (!matches) messages.push(`name part ${qualifiedNameMessage}`);
  return messages;
}

/** M2, M8 */
export function isLabelValue(value: string): string[] {
  const matches = labelValue.test(value);
  const messages = isLonger(value, maxLabelLength, matches) ? [tooLongText(maxLabelLength)] : [];
  if (!matches) messages.push(labelValueMessage);
  return messages;
}

export const isCIdentifier = (value: string): string[] =>
  cIdentifier.test(value) ? [] : [cIdentifierMessage];

export const isHttpHeaderName = (value: string): string[] =>
  httpHeader.test(value) ? [] : [httpHeaderMessage];

/** Name of an environment variable: printable ASCII without `=`. */
export function isEnvVarName(value: string): string[] {
  if (value === "") return [`environment variable name ${emptyText}`];
  if (/^[ -<>-~]*$/.test(value)) return [];
  return [
    "a valid environment variable name must consist only of printable ASCII characters other than '='",
  ];
}

/** Key of a ConfigMap or Secret. */
export function isConfigMapKey(value: string): string[] {
  const messages = byteLength(value) > maxSubdomainLength ? [tooLongName(maxSubdomainLength)] : [];
  if (!configKey.test(value)) messages.push(configKeyMessage);
  if (value === ".") messages.push("must not be '.'");
  else if (value === "..") messages.push("must not be '..'");
  else if (value.startsWith("..")) messages.push("must not start with '..'");
  return messages;
}

/** Name of a container port. */
export function isPortName(value: string): string[] {
  const messages = byteLength(value) > maxPortNameLength ? [tooLongName(maxPortNameLength)] : [];
  if (!/^[-a-z0-9]+$/.test(value)) {
    messages.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  }
  if (!/[a-z]/.test(value)) messages.push("must contain at least one letter (a-z)");
  if (value.includes("--")) messages.push("must not contain consecutive hyphens");
  if (value.startsWith("-") || value.endsWith("-")) {
    messages.push("must not begin or end with a hyphen");
  }
  return messages;
}

/** Replaces a trailing dash, which a generateName may have, so that the base can be checked as a name. */
export const maskTrailingDash = (value: string): string =>
  value.length > 1 && value.endsWith("-") ? `${value.slice(0, -2)}a` : value;
