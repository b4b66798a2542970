// SPDX-License-Identifier: Apache-2.0

import KithCommand
import SystemPackage
import UnixSignals

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The process's standard streams.
enum Terminal {
    static var environment: [String: String] { ProcessInfo.processInfo.environment }

    static var style: TerminalStyle { TerminalStyle(isTerminal: isTerminal(.standardOutput), environment: environment) }

    static var errorStyle: TerminalStyle {
        TerminalStyle(isTerminal: isTerminal(.standardError), environment: environment)
    }

    /// Columns, when the output is a terminal; `nil` cuts nothing.
    static var width: Int? { isTerminal(.standardOutput) ? size(of: .standardOutput).width : nil }

    /// Columns of the terminal that errors and progress are written to.
    static var errorWidth: Int { size(of: .standardError).width }

    /// Columns and lines; 80 and 24 where the terminal does not say.
    static func size(of descriptor: FileDescriptor) -> (width: Int, height: Int) {
        var size = winsize()
        guard ioctl(descriptor.rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return (80, 24)
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    static func isTerminal(_ descriptor: FileDescriptor) -> Bool { isatty(descriptor.rawValue) == 1 }

    private static let isUTF8 = TerminalText.isUTF8(environment)

    /// Whether signs beyond ASCII are understood where `descriptor` leads; files and other programs get them always.
    static func takesUnicode(_ descriptor: FileDescriptor) -> Bool {
        !isTerminal(descriptor) || isUTF8
    }

    private static func bytes(of text: TerminalText, to descriptor: FileDescriptor) -> String.UTF8View {
        (takesUnicode(descriptor) ? text.text : text.ascii).utf8
    }

    /// Writes to standard output at once.
    ///
    /// - Throws: `CommandError` with `outputClosed` when nobody reads it any more.
    static func write(_ text: TerminalText) throws(CommandError) {
        do {
            _ = try FileDescriptor.standardOutput.writeAll(bytes(of: text, to: .standardOutput))
        } catch Errno.brokenPipe {
            throw CommandError(.outputClosed)
        } catch {
            throw CommandError(.failed, "the output cannot be written: \(error)")
        }
    }

    static func printLines(_ lines: [String]) throws(CommandError) {
        try write(TerminalText(lines: lines.isEmpty ? [""] : lines))
    }

    static func printJSON(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try write(TerminalText(json: String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"))
    }

    /// Prints a value as JSON when that is asked for, or else lines for people.
    static func print(_ value: some Encodable, json: Bool, or lines: @autoclosure () -> [String]) throws {
        if json { try printJSON(value) } else { try printLines(lines()) }
    }

    /// Prints a value as JSON when that is asked for, or else its report.
    static func print<Report: TextReport>(
        _ value: Report.Subject, json: Bool, as report: Report.Type
    ) throws where Report.Subject: Encodable {
        try print(value, json: json, or: lines(report, of: value))
    }

    /// A report as it fits into the terminal.
    static func lines<Report: TextReport>(_ report: Report.Type, of subject: Report.Subject) -> [String] {
        Report(subject, width: width, style: style).lines
    }

    /// Writes a line to standard error. A failure is ignored, since there is nowhere to report it.
    static func note(_ line: String, end: String = "\n") {
        note(TerminalText(unended: line), end: end)
    }

    static func note(_ text: TerminalText, end: String = "") {
        _ = try? FileDescriptor.standardError.writeAll(Array(bytes(of: text, to: .standardError)) + Array(end.utf8))
    }

    /// Says what will happen and asks whether it should.
    ///
    /// - Throws: `CommandError` with `usage` where nobody can be asked, and `failed` for any answer but yes.
    static func confirm(_ consequence: String) throws(CommandError) {
        guard isTerminal(.standardInput) else {
            throw CommandError(.usage, "\(consequence); as nobody can be asked here, say so with --yes")
        }
        note("\(consequence). Go on? [y/N] ", end: "")
        let answer = readLine() ?? ""
        guard ["y", "yes"].contains(answer.lowercased()) else {
            throw CommandError(.failed, "nothing was changed")
        }
    }

    /// Whether something waits in a pipe, or stands in a file that nothing has been read of yet.
    static var hasUnreadInput: Bool {
        var status = stat()
        guard fstat(STDIN_FILENO, &status) == 0 else { return false }
        switch status.st_mode & S_IFMT {
        case S_IFIFO:
            var descriptor = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            return poll(&descriptor, 1, 0) > 0 && descriptor.revents & Int16(POLLIN) != 0
        case S_IFREG: return status.st_size > 0 && lseek(STDIN_FILENO, 0, SEEK_CUR) == 0
        default: return false
        }
    }

    /// All of standard input.
    ///
    /// - Throws: `CommandError` when it is longer than `limit` bytes, cannot be read or is not UTF-8.
    static func readInput(limit: Int) throws(CommandError) -> String {
        var bytes: [UInt8] = []
        do {
            while bytes.count <= limit {
                let piece = try [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
                    count = try FileDescriptor.standardInput.read(into: UnsafeMutableRawBufferPointer(buffer))
                }
                if piece.isEmpty { break }
                bytes += piece
            }
        } catch {
            throw CommandError(.failed, "standard input cannot be read: \(error)")
        }
        guard bytes.count <= limit else {
            throw CommandError(.usage, "standard input is longer than \(limit) bytes")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CommandError(.usage, "standard input is not UTF-8 text")
        }
        return text
    }

    static func exit(_ status: ExitStatus) -> Never {
        #if canImport(Darwin)
            Darwin.exit(status.rawValue)
        #elseif canImport(Glibc)
            Glibc.exit(status.rawValue)
        #elseif canImport(Musl)
            Musl.exit(status.rawValue)
        #endif
    }
}

/// Work that a signal must not leave half done.
enum Uninterrupted {
    /// - Throws: What `work` throws.
    static func run(_ work: @escaping @Sendable () async throws -> Void) async throws {
        let signals = await UnixSignalsSequence(trapping: [.sigint, .sigterm, .sighup])
        let listening = Task {
            for await _ in signals { Terminal.note("this must come to its end; please wait") }
        }
        defer { listening.cancel() }
        try await work()
    }
}

/// Lets SIGINT (Ctrl-C) and SIGTERM end a command's work in order.
enum Interruption {
    private enum End: Sendable {
        case done
        case interrupted
    }

    /// Runs `work` and cancels it when the process is told to stop.
    ///
    /// - Throws: What `work` throws; `CommandError` with `interrupted` when it was told to stop.
    static func cancelling(_ work: @escaping @Sendable () async throws -> Void) async throws {
        let signals = await UnixSignalsSequence(trapping: [.sigint, .sigterm])
        try await withThrowingTaskGroup(of: End.self) { group in
            group.addTask {
                try await work()
                return .done
            }
            group.addTask {
                for await _ in signals { return .interrupted }
                try await Task.sleep(for: .seconds(86_400 * 365))  // only the end of the work ends this command
                return .interrupted
            }
            defer { group.cancelAll() }
            guard let end = try await group.next() else { return }
            if end == .interrupted { throw CommandError(.interrupted) }
        }
    }
}
