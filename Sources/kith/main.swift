// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix

// A node serves best when its tasks run on the threads that do its input and output. That must be said before the first
// task exists, hence here, on the main thread, and by the first argument alone.
if CommandLine.arguments.dropFirst().first == "up" {
    NIOSingletons.unsafeTryInstallSingletonPosixEventLoopGroupAsConcurrencyGlobalExecutor()
}

await CommandLineRun.run(Array(CommandLine.arguments.dropFirst()))
