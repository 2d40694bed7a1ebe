// Waiting for a condition, shared with the packages' own tests.
export { waitFor } from "@gantry/store/testing/wait-for";
