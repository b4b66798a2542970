// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithMembership
import KithModel
import KithNode
import KithStore
import KithTrust

/// Whether the settings and the list of peers can be read.
enum SettingsFindings {
    static func settings(_ node: CollectedEvidence) -> Finding {
        guard let problem = node.settingProblem else {
            let files =
                node.settingFiles.isEmpty
                ? "no settings file; flags, environment and defaults hold" : node.settingFiles.joined(separator: ", ")
            return Finding(.settings, "settings", .ok, files)
        }
        return Finding(
            .settings, "settings", .error, problem.description, fix: fix(of: problem), of: problem.setting)
    }

    /// A node that other machines reach does not start while nobody has a key.
    ///
    /// - Returns: `nil` where that is not so.
    static func missingKey(_ node: CollectedEvidence) -> Finding? {
        guard node.settingProblem == nil, !node.isHeld, !node.settings.isOnLoopback else { return nil }
        let hasKey: Bool
        switch node.store {
        case .success(let store)?: hasKey = store.hasUsableKey
        case .failure?: return nil
        case nil: hasKey = false
        }
        guard !hasKey else { return nil }
        return Finding(
            .settings, "keys", .error,
            "no node starts on \(node.settings.host): other machines reach it there, and nobody has a key",
            fix: Finding.Fix(
                "make a key for whoever is to ask it, then start it",
                command: "kith key create --data-dir '\(node.folder)' --name me --scope chat"))
    }

    private static func fix(of problem: SettingError) -> Finding.Fix {
        let place = "\(problem.place)"
        switch problem.fault {
        case .unknown(let suggestion?):
            return Finding.Fix(
                "write \(suggestion) in place of \(problem.setting) (\(place))", command: "kith settings")
        case .unknown(nil):
            return Finding.Fix(
                "remove \(problem.setting) (\(place)); the command lists all names", command: "kith settings")
        case .unusable(_, let expected):
            return Finding.Fix("give \(problem.setting) \(expected) (\(place))", command: "kith settings")
        case .group(let example): return Finding.Fix("set a member of it, such as \(example) (\(place))")
        case .notInFiles(let instead): return Finding.Fix("take it out of \(place) and use \(instead)")
        case .unreadable: return Finding.Fix("make \(problem.setting) a readable file in the form that it says")
        case .refused: return Finding.Fix("the sentence says what is missing (\(place))")
        }
    }

    static func peersFile(_ node: CollectedEvidence) -> [Finding] {
        let path = node.settings.peersFile
        if let problem = node.peersFileProblem {
            return [
                Finding(
                    .peersFile, "peers file", .warning, "\(path) cannot be read: \(problem)",
                    fix: Finding.Fix("give its owner the right to read it", command: "chmod u+r '\(path)'"), of: path)
            ]
        }
        let problems = node.peersFile.problems.prefix(20).map { problem in
            Finding(
                .peersFile, "peers file", .warning, "\(path), \(problem)",
                fix: Finding.Fix("correct that line; the others hold"), of: path)
        }
        let count = node.peersFile.peers.count + node.peersFile.suggestions.count
        if count == 0, problems.isEmpty { return [] }
        let addresses = "\(count) \(count == 1 ? "address" : "addresses") in the list of peers"
        return [Finding(.peersFile, "peers file", .ok, addresses)] + problems
    }
}

/// The database and the key of the node.
enum StateFindings {
    static func database(_ node: CollectedEvidence) -> Finding {
        let path = node.databasePath
        switch node.store {
        case .success(let store)?:
            if let loss = store.lastLoss, loss.at.advanced(by: Self.lossIsNews) > .now() { return lost(loss, at: path) }
            let depth = store.isChecked ? "no fault in it" : "opens; too large to be read through"
            return Finding(.database, "database", .ok, "\(FolderVerdict.amount(store.bytes)), \(depth)", of: path)
        case .failure(let error)?: return database(error, at: path)
        case nil:
            let why = node.holdsNode ? "there is none, or it could not be read in time" : "no node has run here yet"
            return Finding(.database, "database", .skipped, why, of: path)
        }
    }

    private static let lossIsNews = Duration.seconds(7 * 24 * 3_600)

    private static func lost(_ loss: AuditRecord, at path: String) -> Finding {
        Finding(
            .database, "database", .warning, "on \(loss.at.rfc3339.prefix(10)) \(loss.reason)",
            fix: Finding.Fix(
                "look whether keys and peers are as they should be, and put a backup back if there is a newer one; keys that "
                    + "were revoked stay revoked", command: "kith key list"), of: path)
    }

    static func database(_ error: StoreError, at path: String) -> Finding {
        let fix: Finding.Fix =
            switch error.code {
            case .newerDatabase:
                Finding.Fix(
                    "update kith on this machine, or choose another folder with --data-dir", command: "kith --version")
            case .damaged:
                Finding.Fix(
                    "stop the node, move the files away and start it again: it begins anew, and what kin share comes "
                        + "back "
                        + "from them; or put a backup there",
                    command: "mkdir -p '\(path).broken' && mv '\(path)' '\(path)'-* '\(path).broken'/")
            case .foreignDatabase: Finding.Fix("choose another folder with --data-dir")
            case .full: Finding.Fix("free some space on its disk")
            case .busy: Finding.Fix("end the other program that has it open", command: "fuser '\(path)'")
            default: Finding.Fix("give it to the user who runs the node", command: "ls -l '\(path)'")
            }
        return Finding(.database, "database", .error, trimmed(error.message), fix: fix, of: path)
    }

    static func identity(_ node: CollectedEvidence) -> Finding {
        switch node.identity {
        case .success(let identity)?:
            return Finding(.identity, "identity", .ok, "\(identity.id.short), its key readable by this user only")
        case .failure(let error)?:
            return Finding(
                .identity, "identity", .error, trimmed(error.message), fix: Finding.Fix(trimmed(error.fix)),
                of: "\(node.identityFolder)")
        case nil:
            return Finding(.identity, "identity", .skipped, "made at the first start", of: "\(node.identityFolder)")
        }
    }

    static func node(_ node: CollectedEvidence) -> Finding? {
        guard node.isHeld else { return nil }
        if let status = node.status {
            return Finding(
                .node, "node", .ok, "\(status.node) runs kith \(status.version) and answers at \(status.address)",
                of: status.address)
        }
        return Finding(
            .node, "node", .error,
            "a process holds \(node.folder), and does not answer: \(node.accessProblem ?? "it says nothing")",
            fix: Finding.Fix(
                "end that process, start the node again, and look into its log", command: node.start.command()),
            of: node.access?.address.description)
    }

    private static func trimmed(_ sentence: String) -> String {
        sentence.hasSuffix(".") ? String(sentence.dropLast()) : sentence
    }
}
