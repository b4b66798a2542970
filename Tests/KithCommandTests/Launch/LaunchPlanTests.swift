// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithModel
import Testing

@Suite("Plans of a launch")
struct LaunchPlanTests {
    private func plan(
        model: String = "qwen3:30b", context: Int? = 131_072, key: String? = "kith_secret",
        scheme: HTTPAddress.Scheme = .http, own: [String] = []
    ) throws -> LaunchPlan {
        let program = LaunchProgram(
            name: "agent", title: "An agent", installation: "magic", openingTokens: 12_000,
            settings: { target in
                LaunchSettings(
                    environment: [
                        .init("WHERE", "\(target.node)"), .init("KEY", key ?? "unused", isSecret: key != nil),
                    ],
                    removed: ["ELSEWHERE", "OTHER"], arguments: ["--model", target.model])
            })
        let target = LaunchTarget(
            node: HTTPAddress(scheme: scheme, host: "127.0.0.1", port: 8080), key: key.map { Secret($0) },
            model: model, context: context)
        return LaunchPlan(program, for: target, arguments: own)
    }

    @Test("The script sets, removes and runs what the launch would, quoted for a shell")
    func script() throws {
        #expect(
            try plan(model: "it's", own: ["say hello", "$HOME"]).script == [
                "unset ELSEWHERE OTHER", "export WHERE='http://127.0.0.1:8080'", "export KEY='kith_secret'",
                #"agent --model 'it'\''s' 'say hello' '$HOME'"#,
            ])
    }

    @Test("What is said of a launch does not hold the key, and only names variables that were there")
    func summary() throws {
        #expect(
            try plan().summary(in: ["OTHER": "x"]) == [
                "An agent asks http://127.0.0.1:8080, model qwen3:30b", "  WHERE=http://127.0.0.1:8080", "  KEY=…",
                "  without OTHER", "  agent --model qwen3:30b",
            ])
    }

    @Test("A model's name cannot move the cursor of the terminal on which it is shown")
    func printable() throws {
        let lines = try plan(model: "a\u{1B}[2Jb").summary(in: [:])
        #expect(lines.allSatisfy { !$0.contains("\u{1B}") })
    }

    @Test(
        "A context that the program's first request fills is said",
        arguments: [(12_000, true), (12_001, false), (nil, false)] as [(Int?, Bool)])
    func opening(context: Int?, isSaid: Bool) throws {
        let notes = try plan(context: context).notes
        #expect(notes.contains { $0.contains("begins with about 12000; choose another with --model") } == isSaid)
    }

    @Test("That a certificate has to be trusted is said of a node that speaks TLS")
    func certificate() throws {
        #expect(try plan().notes.isEmpty)
        let notes = try plan(scheme: .https).notes
        #expect(
            notes.first?.hasPrefix("the node speaks TLS, so An agent has to trust its authority: programs of Node.js")
                == true)
    }
}
