// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite("Between the dialects of clients and engines")
struct TranslationMatrixTests {
    @Test(arguments: AskedFeature.allCases)
    func `what a request asks for arrives or is refused in words`(feature: AskedFeature) {
        for client in MatrixClient.all {
            for engine in MatrixEngine.allCases {
                #expect(
                    client.outcome(feature, engine) != .lost, "\(client.name) → \(engine.rawValue): \(feature.rawValue)"
                )
            }
        }
    }

    @Test(arguments: ToldFeature.allCases)
    func `what an answer tells arrives`(feature: ToldFeature) {
        for client in MatrixClient.all {
            for engine in MatrixEngine.allCases {
                #expect(
                    client.outcome(feature, engine) != .lost, "\(engine.rawValue) → \(client.name): \(feature.rawValue)"
                )
            }
        }
    }

    @Test
    func `what is left out is left out by that engine alone, and only what the documentation explains`() {
        #expect(MatrixEngine.allCases.flatMap(\.leavesOut) == [.plainThoughts])
    }

    @Test
    func `values that are the default are refused by no engine`() {
        for client in MatrixClient.all {
            for engine in MatrixEngine.allCases {
                #expect([.kept, .translated].contains(client.outcome(.defaults, engine)))
            }
        }
    }

    @Test
    func `the tables of the documentation are what happens`() throws {
        var root = URL(filePath: #filePath)
        for _ in 0..<4 { root.deleteLastPathComponent() }
        let text = try String(contentsOf: root.appending(path: "docs/dialects.md"), encoding: .utf8)
        let table = MatrixTable.text
        #expect(text.contains(table), "the tables in docs/dialects.md should be:\n\(table)")
    }
}

/// The tables of docs/dialects.md: two for each dialect of clients.
enum MatrixTable {
    static var text: String { MatrixClient.all.map(section).joined(separator: "\n") }

    private static func section(_ client: MatrixClient) -> String {
        let asked = AskedFeature.allCases.map { feature in
            [feature.rawValue] + MatrixEngine.allCases.map { client.outcome(feature, $0).rawValue }
        }
        let told = ToldFeature.allCases.map { feature in
            [feature.rawValue] + MatrixEngine.allCases.map { client.outcome(feature, $0).rawValue }
        }
        return "## A client of \(client.name)\n\n" + table("asks for", asked) + "\n" + table("is told of", told)
    }

    private static func table(_ title: String, _ rows: [[String]]) -> String {
        let head = [title] + MatrixEngine.allCases.map(\.rawValue)
        return ([head, head.map { _ in "---" }] + rows).map { "| \($0.joined(separator: " | ")) |\n" }.joined()
    }
}
