// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithDoctor
import KithModel
import KithNode

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension StartCommand {
    /// Of the node that this process runs: services and nodes in the background have no terminal of their own.
    static var ofThisProcess: StartCommand {
        getsid(0) == getpid() || Terminal.environment["INVOCATION_ID"] != nil ? .bySetup : .byHand
    }

    /// Of the node on a folder, whether it runs or not.
    static func of(_ folder: String) async -> StartCommand {
        guard let running = try? RunningNode(dataDirectory: folder) else {
            let isNoted = BackgroundNode.lastRecord(in: folder) != nil
            return isNoted || !DataFolder.holdsNode(folder) ? .bySetup : .byHand
        }
        if BackgroundNode.record(of: running) != nil { return .bySetup }
        let manager = try? await Services.manager(of: nil)
        return await (try? Services.runs(running, by: manager)) == true ? .bySetup : .byHand
    }
}

/// The flags with which the node on a folder runs, or is started again by ``StartCommand/bySetup``.
enum StartFlags {
    static func of(_ folder: String) async -> [SettingKey: String] {
        let running = try? RunningNode(dataDirectory: folder)
        if let manager = try? await Services.manager(of: nil), (try? await Services.folder(nil, manager)) == folder,
            let words = try? await manager.flags(), !words.isEmpty
        {
            return parsed(words)
        }
        let record = running.map { BackgroundNode.record(of: $0) } ?? BackgroundNode.lastRecord(in: folder)
        return parsed(Array((record?.arguments ?? []).dropFirst()))
    }

    private static func parsed(_ words: [String]) -> [SettingKey: String] {
        guard let command = try? Up.parse(words) else { return [:] }
        return command.flags
    }
}
