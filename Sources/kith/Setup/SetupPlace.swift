// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDoctor
import KithModel
import KithNode
import NIOCore

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Where a node that is set up listens, and what it is called.
struct SetupPlace {
    /// Ports that are tried in place of one that is taken.
    private static let tries = 20

    let dataDir: String?

    func settings(_ further: [SettingKey: String] = [:]) throws -> NodeSettings {
        var flags = further
        flags[.dataDirectory] = dataDir
        return try NodeSettings(.gather(flags: flags, environment: Terminal.environment))
    }

    /// The port to listen on where another program has the usual one, such as llama.cpp's server, whose usual port it is too.
    ///
    /// - Parameter last: The one that was asked for before.
    /// - Returns: `nil` where the port of the settings is free.
    /// - Throws: `CommandError` where another node has it.
    func otherPort(than last: Int?) async throws -> String? {
        let settings = try settings()
        let port = last ?? settings.port
        guard port > 0, await isTaken(port, settings.host) else { return nil }
        let holder = await OffThread.run(limit: .seconds(5)) { PortHolder.find(port) } ?? nil
        if let holder, holder.isNode {
            throw CommandError(
                .failed,
                "\(holder.words) has port \(port); end it with kill \(holder.pid), or choose another port with --port")
        }
        for other in (port + 1)...(port + Self.tries) where other <= 65_535 {
            guard await !isTaken(other, settings.host) else { continue }
            Terminal.note("\(holder?.words ?? "another program") has port \(port); the node takes \(other)")
            return "\(other)"
        }
        return nil
    }

    /// A node stays where programs look for it, also when what had the usual port is gone.
    func noteUsualPort(besides last: Int, flags: String) async throws {
        let settings = try settings()
        guard last != settings.port, await !isTaken(settings.port, settings.host) else { return }
        Terminal.note(
            "it stays on port \(last); to move it to \(settings.port), which is free now: kith down\(flags), then kith setup "
                + "--port \(settings.port)\(flags)")
    }

    /// Flags with which a node on another port is still called as the machine is: it is the only one.
    func name(_ flags: [String]) throws -> [String] {
        guard dataDir == nil, !flags.contains(where: { $0 == "--name" || $0.hasPrefix("--name=") }) else { return [] }
        return ["--name", try settings([.port: "\(NodeSettings.usualPort)"]).name.rawValue]
    }

    private func isTaken(_ port: Int, _ host: String) async -> Bool {
        do {
            try await PortCheck.listen(on: port, host: host)
            return false
        } catch {
            // What else is wrong with a port the node says itself when it starts.
            return (error as? IOError)?.errnoCode == EADDRINUSE
        }
    }
}
