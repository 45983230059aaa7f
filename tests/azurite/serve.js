// Runs Azurite's services until standard input ends, so that it cannot outlive whoever
// started it, not even one that was killed. Arguments are Azurite's own.
"use strict";

process.stdin.on("end", () => process.exit(0));
process.stdin.on("error", () => process.exit(0));
process.stdin.resume();

require("azurite/dist/src/azurite.js");
