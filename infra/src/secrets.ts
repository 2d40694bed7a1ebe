// What the services must know and nobody may read: made at the first deployment, kept when the stack goes.
import { RemovalPolicy } from "aws-cdk-lib";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";

/** Letters and digits only: fits a URL, an HTTP header and the rules of Redis passwords. */
const LENGTH = 64;

/** So many letters and digits are the base64 of 32 bytes, which is what a key file has on a line. */
const KEY_LENGTH = 43;

export class Secrets extends Construct {
  /** The bearer token of the API. */
  readonly token: Secret;
  readonly tokenName: string;
  /** Encrypts Kubernetes Secrets in Redis. */
  readonly secretsKey: Secret;
  readonly redisPassword: Secret;

  constructor(scope: Construct, id: string, name: string) {
    super(scope, id);
    this.tokenName = `${name}/api-token`;
    this.token = this.#secret("Token", this.tokenName, "Bearer token of the Gantry API");
    this.redisPassword = this.#secret("Redis", `${name}/redis-password`, "Password of Redis");
    this.secretsKey = new Secret(this, "SecretsKey", {
      secretName: `${name}/secrets-key`,
      description: "Key that encrypts Kubernetes Secrets in Redis; without it they are lost",
      generateSecretString: { passwordLength: KEY_LENGTH, excludePunctuation: true },
      removalPolicy: RemovalPolicy.RETAIN,
    });
    acknowledge(
      this.secretsKey,
      "AwsSolutions-SMG4",
      "Rotation is a step by hand: a new key goes before the old one, and each Secret is written again.",
    );
  }

  #secret(id: string, secretName: string, description: string): Secret {
    const secret = new Secret(this, id, {
      secretName,
      description,
      generateSecretString: { passwordLength: LENGTH, excludePunctuation: true },
      removalPolicy: RemovalPolicy.DESTROY,
    });
    acknowledge(
      secret,
      "AwsSolutions-SMG4",
      "Changing it means to restart what uses it, at a time of the operator's choice: see the README.",
    );
    return secret;
  }
}
