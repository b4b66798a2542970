// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithDialects
import KithModel
import NIOCore
import Testing
@testable import KithAPI
@testable import KithServer

@Suite("Why the shared state was not changed, as clients are told")
struct StateRefusalTests {
    @Test(
        "Each reason has its status and its code",
        arguments: [
            (.invalid, 422, "invalid"), (.limitReached, 507, "limit_reached"), (.diskFull, 507, "disk_full"),
            (.unavailable, 503, "unavailable"), (.closed, 503, "closed"),
        ] as [(StateRefusal.Code, Int, String)])
    func refusals(code: StateRefusal.Code, status: Int, name: String) throws {
        let problem = SurfaceError(StateRefusal(code, "what, and what to do"))
        let reply = try problem.reply(in: .ofClients("/api/context/k"))
        #expect(reply.status.code == status)
        let body = try JSONBody.decode(JSONValue.self, from: reply.body.readableBytesView)
        #expect(body == ["error": ["code": .string(name), "message": "what, and what to do"]])
    }
}
