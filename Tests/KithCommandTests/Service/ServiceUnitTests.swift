// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import KithCommand

@Suite("What a service manager is told")
struct ServiceUnitTests {
    private func directives(_ unit: String) -> [String: [String]] {
        var found: [String: [String]] = [:]
        for line in unit.split(separator: "\n") where !line.hasPrefix("#") && !line.hasPrefix("[") {
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            found[String(parts[0]), default: []].append(parts.count > 1 ? String(parts[1]) : "")
        }
        return found
    }

    @Test("A user's node runs on its own folder, with the flags that were given")
    func user() {
        let unit = ServiceUnit(
            scope: .user, program: "/opt/kith", dataDirectory: "/home/ada/.kith", flags: ["--lan", "--name", "desk"])
        let found = directives(unit.systemd)
        #expect(found["ExecStart"] == ["/opt/kith up --data-dir /home/ada/.kith --lan --name desk"])
        #expect(found["Type"] == ["notify"] && found["WantedBy"] == ["default.target"])
        #expect(found["DynamicUser"] == nil)
    }

    @Test("The machine's node has a user of its own, and one folder that it may write to")
    func system() {
        let unit = ServiceUnit(scope: .system, program: "/opt/kith", dataDirectory: "/elsewhere")
        #expect(unit.dataDirectory == "/var/lib/kith")
        let found = directives(unit.systemd)
        #expect(found["ExecStart"] == ["/opt/kith up"])
        #expect(found["DynamicUser"] == ["yes"] && found["ProtectSystem"] == ["strict"])
        #expect(found["StateDirectory"] == ["kith"] && found["WantedBy"] == ["multi-user.target"])
    }

    @Test(
        "Words that mean something to systemd are quoted",
        arguments: [
            ("/usr/bin/kith", "/usr/bin/kith"), ("/my folder/kith", #""/my folder/kith""#), ("100%", #""100%%""#),
            ("$HOME", #""$$HOME""#), (#"a"b\c"#, #""a\"b\\c""#), ("", #""""#), ("a\nb", #""a\nb""#), ("a;b", #""a;b""#),
        ])
    func quoted(word: String, form: String) { #expect(ServiceUnit.quotedForSystemd(word) == form) }

    @Test("What is added to a package's unit takes the place of its command")
    func addition() {
        let unit = ServiceUnit(scope: .system, program: "/usr/bin/kith", dataDirectory: "", flags: ["--lan"])
        #expect(directives(unit.systemdAddition)["ExecStart"] == ["", "/usr/bin/kith up --lan"])
    }

    @Test("What launchd reads is a property list with the whole command")
    func launchd() throws {
        let unit = ServiceUnit(
            scope: .user, program: "/opt/kith", dataDirectory: "/Users/a & b/.kith", flags: ["--name", "<desk>"])
        let list = try PropertyListSerialization.propertyList(
            from: Data(unit.launchd(log: "/tmp/kith.log").utf8), format: nil)
        let values = try #require(list as? [String: Any])
        #expect(
            values["ProgramArguments"] as? [String] == [
                "/opt/kith", "up", "--data-dir", "/Users/a & b/.kith", "--name", "<desk>",
            ])
        #expect(values["Label"] as? String == "kith.node" && values["RunAtLoad"] as? Bool == true)
    }

    /// The package's units stand in files, because they come with a user and an installer of their own.
    @Test(
        "The package's units ask for the same as those that the program writes", arguments: ServiceUnit.Scope.allCases)
    func packaged(scope: ServiceUnit.Scope) throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")
        let name = scope == .user ? "user/kith.service" : "kith.service"
        let file = try String(contentsOf: root.appending(path: "deploy/systemd/\(name)"), encoding: .utf8)
        let unit = ServiceUnit(scope: scope, program: "/usr/bin/kith", dataDirectory: "%h/.kith")
        var (theirs, ours) = (directives(file), directives(unit.systemd))
        for name in ["Documentation", "After", "User", "Group", "ExecStart"] { theirs[name] = nil }
        for name in ["After", "DynamicUser", "ExecStart"] { ours[name] = nil }
        #expect(theirs == ours)
    }
}
