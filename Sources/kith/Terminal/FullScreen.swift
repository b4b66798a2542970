// SPDX-License-Identifier: Apache-2.0

import KithCommand
import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The whole terminal for one command, given back as it was when that ends.
///
/// Uses xterm's alternate screen, and takes keys as they are pressed, without showing them (POSIX.1-2024, 11.1.7);
/// Ctrl-C is one of them.
struct FullScreen: ~Copyable {
    private let before: termios

    /// - Throws: `CommandError` with `usage` where there is no terminal.
    init() throws(CommandError) {
        var settings = termios()
        guard Terminal.isTerminal(.standardInput), Terminal.isTerminal(.standardOutput),
            tcgetattr(STDIN_FILENO, &settings) == 0
        else { throw CommandError(.usage, "this needs a terminal; kith status and kith events print lines") }
        before = settings
        settings.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG)
        tcsetattr(STDIN_FILENO, TCSANOW, &settings)
        try? Terminal.write(.screenBegins)
    }

    deinit {
        try? Terminal.write(.screenEnds)
        var settings = before
        tcsetattr(STDIN_FILENO, TCSANOW, &settings)
    }

    /// Columns and lines.
    static var size: (width: Int, height: Int) { Terminal.size(of: .standardOutput) }

    /// What was typed, waiting at most so long; empty when nothing was. Blocks its thread.
    ///
    /// - Returns: `nil` when nothing can be typed any more.
    static func typed(within limit: Duration) -> [UInt8]? {
        var descriptor = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        guard poll(&descriptor, 1, Int32(clamping: Int64(limit / .milliseconds(1)))) > 0 else { return [] }
        let bytes = try? [UInt8](unsafeUninitializedCapacity: 256) { buffer, count in
            count = try FileDescriptor.standardInput.read(into: UnsafeMutableRawBufferPointer(buffer))
        }
        guard let bytes, !bytes.isEmpty else { return nil }
        return bytes
    }
}
