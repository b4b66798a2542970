// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import Hummingbird
import KithAIOS
import KithInference
import KithModel
import KithPeers
import KithSurfaceTesting
import KithTrust
import Testing

/// `docs/peer-port.md` against the port.
@Suite(.timeLimit(.minutes(2))) struct PeerPortDocumentTests {
    struct Row: Hashable, Sendable {
        var method: HTTPRequest.Method
        var path: String
        var admission: String

        /// With something for a name.
        var url: String { path.replacing("{id}", with: "x") }
    }

    private static let document = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../../docs/peer-port.md").standardizedFileURL

    private func rows() throws -> [Row] {
        let row = try Regex(
            #"(?m)^\| `(GET|POST) (/\S+)` \| (kin|paired|anyone) \|"#,
            as: (Substring, Substring, Substring, Substring).self)
        return try String(contentsOf: Self.document, encoding: .utf8).matches(of: row).map { match in
            Row(
                method: match.output.1 == "GET" ? .get : .post, path: String(match.output.2),
                admission: String(match.output.3))
        }
    }

    /// Keeps the router that it is added to.
    private final class Catcher: PeerRouteGroup, @unchecked Sendable {
        // Written while the listener is put together, and read when it runs and nobody adds to it any more.
        private var router: PeerRouter?

        func add(to router: PeerRouter, services: PeerServices) { self.router = router }

        var routes: Set<String> {
            Set((router?.routes ?? []).map { "\($0.method.rawValue) \(Self.pattern($0.path.description))" })
        }

        static func pattern(_ path: String) -> String {
            let parts = path.split(separator: "/").map { $0.hasPrefix(":") || $0.hasPrefix("{") ? "*" : $0 }
            return "/" + parts.joined(separator: "/")
        }
    }

    @Test func `each route is for whom the table says, and no route is missing there`() async throws {
        let rows = try rows()
        let catcher = Catcher()
        try await TestNode.run(
            "desk", engine: EchoEngine(), peerRoutes: { _ in [CellPeerRoutes(cell: nil), catcher] }
        ) { desk in
            let documented = Set(rows.map { "\($0.method.rawValue) \(Catcher.pattern($0.path))" })
            #expect(catcher.routes.subtracting(documented).sorted() == [], "not in docs/peer-port.md")
            #expect(documented.subtracting(catcher.routes).sorted() == [], "in docs/peer-port.md only")

            let (kin, kith, forgotten) = (
                try NodeIdentity.temporary(), try NodeIdentity.temporary(), try NodeIdentity.temporary()
            )
            try await desk.mesh.trust.admit(kin.id, as: .kin, name: nil, addresses: [], at: .now())
            try await desk.mesh.trust.admit(kith.id, as: .kith, name: nil, addresses: [], at: .now())
            try await desk.mesh.trust.admit(forgotten.id, as: .kin, name: nil, addresses: [], at: .now())
            try await desk.mesh.trust.forget(forgotten.id, at: .now())
            let callers: [(NodeIdentity, Set<String>)] = [
                (kin, ["kin", "paired", "anyone"]), (kith, ["paired", "anyone"]), (forgotten, ["anyone"]),
                (try NodeIdentity.temporary(), ["anyone"]),
            ]
            for (identity, open) in callers {
                let visitor = try PeerVisitor(identity)
                for row in rows {
                    let body = row.method == .post ? "{}" : nil
                    let reply = try await visitor.send(row.method, row.url, body, to: desk)
                    let isRefused = reply.status == 403 && reply.text.contains("\"refused\"")
                    #expect(isRefused == !open.contains(row.admission), "\(row.path) for \(open): \(reply)")
                }
            }
        }
    }
}
