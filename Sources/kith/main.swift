// SPDX-License-Identifier: Apache-2.0

await CommandLineRun.run(Array(CommandLine.arguments.dropFirst()))
