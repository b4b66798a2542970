// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import NIOCore
import Testing
@testable import KithAIOS

@Suite("Answers of cells")
struct CellReplyTests {
    private static let sync = #"{"old_level":3.2,"new_level":2.5,"context_processed":true,"levels":{"a":1}}"#

    private func read(
        _ body: String, to kind: CellCall.Kind, status: Int = 200, type: String? = "application/json"
    ) throws(UpstreamError) -> CellReply {
        try CellReply(status: status, contentType: type, body: ByteBuffer(string: body), to: kind)
    }

    private func problem(
        _ body: String, to kind: CellCall.Kind, status: Int = 200, type: String? = "application/json"
    ) -> UpstreamError.Kind? {
        do throws(UpstreamError) {
            _ = try read(body, to: kind, status: status, type: type)
            return nil
        } catch {
            return error.kind
        }
    }

    @Test("What the contract describes is taken, with or without a content type")
    func good() throws {
        for type in ["application/json", "application/json; charset=utf-8", "text/json", nil] as [String?] {
            #expect(try read(SeedCell.healthBody, to: .health, type: type).health.level == 3.2)
            #expect(try read(SeedCell.assistBody, to: .assist, type: type).members["model"] == "added by kith")
            #expect(try read(Self.sync, to: .sync, type: type).members["levels"] == ["a": 1])
        }
    }

    @Test(
        "Statuses tell whether the request is wrong or the way to the cell",
        arguments: [
            (400, UpstreamError.Kind.refused), (413, .refused), (422, .refused), (401, .failed), (403, .failed),
            (404, .failed), (405, .failed), (408, .failed), (429, .failed), (500, .failed), (503, .failed),
            (204, .failed), (302, .failed), (999, .failed),
        ])
    func status(status: Int, kind: UpstreamError.Kind) {
        #expect(problem(Self.sync, to: .sync, status: status) == kind)
    }

    @Test("What the cell says of an error is told in one line")
    func detail() {
        do throws(UpstreamError) {
            _ = try read(#"{"detail":[{"msg":"no\nsuch level"}]}"#, to: .sync, status: 422)
        } catch {
            #expect(error.message == "it answers with status 422: no such level")
        }
    }

    @Test(
        "A level is a number from 0 to 10",
        arguments: ["-0.1", "10.1", "1e300", "\"3\"", "null", "true", "[]", "-1", "11"])
    func levels(text: String) {
        let body = #"{"old_level":1,"new_level":\#(text),"context_processed":true}"#
        #expect(problem(body, to: .sync) == .garbage)
        let health = #"{"cell_id":"c","branch":"b","consciousness_level":\#(text)}"#
        #expect(problem(health, to: .health) == .garbage)
    }

    @Test("Depth is measured outside of texts")
    func depth() {
        let bytes = Array(#"{"a":"[[[[[[\"{{{{","b":[[1]]}"#.utf8)
        #expect(JSONDepth.isWithin(3, bytes))
        #expect(!JSONDepth.isWithin(2, bytes))
    }

    @Test("A spoilt answer is refused, or has all that is promised", arguments: 1...20 as ClosedRange<UInt64>)
    func spoilt(seed: UInt64) throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            for (body, kind) in [
                (SeedCell.healthBody, CellCall.Kind.health), (SeedCell.assistBody, .assist), (Self.sync, .sync),
            ] {
                let bytes = Mutations.spoil(Array(body.utf8), using: &generator)
                guard
                    let reply = try? CellReply(
                        status: 200, contentType: nil, body: ByteBuffer(bytes: bytes), to: kind)
                else { continue }
                switch kind {
                case .health: #expect((0...10).contains(reply.health.level))
                case .assist: #expect(reply.members["suggestions"]?.arrayValue != nil)
                case .sync: #expect(reply.members["new_level"]?.doubleValue.map((0...10).contains) == true)
                }
            }
        }
    }
}
