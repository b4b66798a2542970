// SPDX-License-Identifier: Apache-2.0

import NIOPosix
import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Ties this process to the one that holds the other end of its standard input.
///
/// The end comes also when that process is killed, so that no node outlives its cluster. It runs on a thread of its own
/// and works also when everything else hangs.
enum Lifeline {
    private static let secondsToStop: UInt32 = 8

    static func watch() {
        let thread = NIOThreadPool(numberOfThreads: 1)
        thread.start()
        thread.submit { state in
            guard case .active = state else { return }
            waitForEnd()
            kill(getpid(), SIGTERM)
            sleep(secondsToStop)
            _exit(1)
        }
    }

    private static func waitForEnd() {
        var buffer = [UInt8](repeating: 0, count: 64)
        do {
            while try buffer.withUnsafeMutableBytes({ try FileDescriptor.standardInput.read(into: $0) }) > 0 {}
        } catch {
            // A standard input that cannot be read has ended.
        }
    }
}
