// SPDX-License-Identifier: Apache-2.0

import KithDoctor
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
