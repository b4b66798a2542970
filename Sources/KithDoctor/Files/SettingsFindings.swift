// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithNode

/// Whether the settings and the list of peers can be read.
enum SettingsFindings {
    static func settings(_ node: Anamnesis) -> Finding {
        guard let problem = node.settingProblem else {
            let files =
                node.settingFiles.isEmpty
                ? "no settings file; flags, environment and defaults hold" : node.settingFiles.joined(separator: ", ")
            return Finding(.settings, "settings", .ok, files)
        }
        return Finding(
            .settings, "settings", .error, problem.description, fix: fix(of: problem), of: problem.setting)
    }

    private static func fix(of problem: SettingProblem) -> Finding.Fix {
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

    static func peersFile(_ node: Anamnesis) -> [Finding] {
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
