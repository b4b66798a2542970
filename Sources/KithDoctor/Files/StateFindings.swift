// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithNode
import KithStore
import KithTrust

/// The database and the key of the node.
enum StateFindings {
    static func database(_ node: Anamnesis) -> Finding {
        let path = node.databasePath
        switch node.store {
        case .success(let store)?:
            let depth = store.isChecked ? "no fault in it" : "opens; too large to be read through"
            return Finding(.database, "database", .ok, "\(FolderVerdict.amount(store.bytes)), \(depth)", of: path)
        case .failure(let error)?: return database(error, at: path)
        case nil:
            let why = node.holdsNode ? "there is none, or it could not be read in time" : "no node has run here yet"
            return Finding(.database, "database", .skipped, why, of: path)
        }
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

    static func identity(_ node: Anamnesis) -> Finding {
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

    static func node(_ node: Anamnesis) -> Finding? {
        guard node.isHeld else { return nil }
        if let status = node.status {
            return Finding(
                .node, "node", .ok, "\(status.node) runs kith \(status.version) and answers at \(status.address)",
                of: status.address)
        }
        return Finding(
            .node, "node", .error,
            "a process holds \(node.folder), and does not answer: \(node.accessProblem ?? "it says nothing")",
            fix: Finding.Fix("end that process, start the node again, and look into its log", command: "kith up"),
            of: node.access?.address.description)
    }

    private static func trimmed(_ sentence: String) -> String {
        sentence.hasSuffix(".") ? String(sentence.dropLast()) : sentence
    }
}
