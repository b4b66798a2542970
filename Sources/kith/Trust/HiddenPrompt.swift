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

/// Asks on the terminal for what nobody should see.
enum HiddenPrompt {
    /// A paste of several lines arrives in one go; nobody types the next line this fast.
    private static let pauseMilliseconds: Int32 = 200

    /// - Throws: ``CommandFailure`` with `interrupted` on Ctrl-C, `usage` for more than `limit` bytes, `failed` for a
    ///   terminal that cannot be read. The terminal is as it was in any case.
    static func ask(_ prompt: String, limit: Int) throws(CommandFailure) -> String {
        var former = termios()
        guard tcgetattr(STDIN_FILENO, &former) == 0 else {
            throw CommandFailure(.failed, "the terminal cannot be asked without showing the answer; use a pipe")
        }
        var hidden = former
        // Without signals, Ctrl-C comes as a byte, and cannot end the process with the terminal left silent.
        hidden.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG | IEXTEN)
        guard tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == 0 else {
            throw CommandFailure(.failed, "the terminal cannot be told not to show the answer; use a pipe")
        }
        defer {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &former)
            Terminal.note("")
        }
        Terminal.note(prompt, end: "")
        return try read(limit: limit)
    }

    private static func read(limit: Int) throws(CommandFailure) -> String {
        var input = HiddenInput(limit: limit)
        while true {
            if input.mayEnd, !hasMore() { return input.text }
            guard let byte = try nextByte() else { return input.text }
            switch input.take(byte) {
            case .goOn: continue
            case .done: return input.text
            case .interrupted: throw CommandFailure(.interrupted)
            case .tooLong: throw CommandFailure(.usage, "that is longer than \(limit) bytes, and no code")
            }
        }
    }

    private static func hasMore() -> Bool {
        var descriptor = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        return poll(&descriptor, 1, pauseMilliseconds) > 0
    }

    private static func nextByte() throws(CommandFailure) -> UInt8? {
        do {
            var byte: UInt8 = 0
            let count = try withUnsafeMutableBytes(of: &byte) { try FileDescriptor.standardInput.read(into: $0) }
            return count == 1 ? byte : nil
        } catch {
            throw CommandFailure(.failed, "the terminal cannot be read: \(error)")
        }
    }
}
