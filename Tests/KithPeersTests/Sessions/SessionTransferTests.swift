// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithPeers
import KithStore
import KithTesting
import Testing

@Suite("Conversations on their way from kin to kin")
struct SessionTransferTests {
    private static func session(exchanges: Int = 2, text: String = "é\u{2028}?") throws -> SessionExport {
        let turns = (0..<exchanges).flatMap { number in
            [
                SessionExport.Turn(turn: ConversationTurn(role: .user, text: text, time: .epoch), outcome: nil),
                SessionExport.Turn(
                    turn: ConversationTurn(
                        role: .assistant, text: text, time: WallTime(milliseconds: 5), model: "m:1",
                        node: NodeName("desk"), tokens: TokenUsage(promptTokens: number, completionTokens: 2)),
                    outcome: .cutOff),
            ]
        }
        return SessionExport(
            id: try #require(SessionID("kitchen")), createdAt: .epoch, lastUsedAt: WallTime(milliseconds: 7),
            turnCount: exchanges + 1, turns: turns)
    }

    private static func read(_ text: String) throws -> SessionExport {
        try JSONBody.decode(SessionTransfer.self, from: Array(text.utf8)).session
    }

    /// A parcel with these turns.
    private static func parcel(id: String = "k", turnCount: String = "1", turns: String) -> String {
        #"{"id":"\#(id)","createdAt":0,"lastUsedAt":0,"turnCount":\#(turnCount),"turns":[\#(turns)]}"#
    }

    private static let question = #"{"role":"user","text":"q","at":0}"#
    private static let answer = #"{"role":"assistant","text":"a","at":0,"outcome":"completed"}"#

    @Test("What is read is what was written")
    func roundTrip() throws {
        let session = try Self.session()
        let bytes = try JSONBody.encode(SessionTransfer(session))
        #expect(try JSONBody.decode(SessionTransfer.self, from: bytes).session == session)
    }

    @Test(
        "What no node keeps is refused",
        arguments: [
            parcel(turns: ""), parcel(turns: question), parcel(turns: answer + "," + question),
            parcel(turns: question + "," + question), parcel(id: "", turns: question + "," + answer),
            parcel(id: "a\\u0000b", turns: question + "," + answer),
            parcel(turnCount: "0", turns: question + "," + answer),
            parcel(turnCount: "1099511627777", turns: question + "," + answer),
            parcel(turnCount: "9223372036854775807", turns: question + "," + answer),
            parcel(turns: question + #",{"role":"assistant","text":"a","at":0}"#),
            parcel(turns: #"{"role":"user","text":"q","at":0,"outcome":"completed"},"# + answer),
            parcel(turns: #"{"role":"user","text":"q","at":0,"model":"m"},"# + answer),
            parcel(
                turns: question + #",{"role":"assistant","text":"a","at":0,"outcome":"completed","promptTokens":1}"#),
            parcel(
                turns: question
                    + #",{"role":"assistant","text":"a","at":0,"outcome":"completed","promptTokens":-1,"completionTokens":1}"#
            ),
            parcel(turns: question + #",{"role":"system","text":"a","at":0,"outcome":"completed"}"#),
            parcel(turns: question + #",{"role":"assistant","text":"a","at":0,"outcome":"completed","node":"a b"}"#),
            parcel(
                turns: question + ","
                    + #"{"role":"assistant","text":"\#(String(repeating: "x", count: 262_145))","at":0,"outcome":"completed"}"#
            ),
        ])
    func refused(text: String) { #expect(throws: ChatError.self) { try Self.read(text) } }

    @Test("As many turns as are ever kept are read, and no more")
    func turnLimit() throws {
        let most = try Self.session(exchanges: 1_000, text: "x")
        #expect(try JSONBody.decode(SessionTransfer.self, from: JSONBody.encode(SessionTransfer(most))).session == most)
        let more = try JSONBody.encode(SessionTransfer(Self.session(exchanges: 1_001, text: "x")))
        #expect(throws: ChatError.self) { try JSONBody.decode(SessionTransfer.self, from: more) }
    }

    @Test("What is read of spoilt bytes can be kept, and the rest is refused", arguments: 1...6 as ClosedRange<UInt64>)
    func hostile(seed: UInt64) async throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let store = try Store.inMemory(limits: StoreLimits(sessions: 10_000))
        let sender = try #require(NodeID(digest: [UInt8](repeating: 3, count: 32)))
        let whole = try JSONBody.encode(SessionTransfer(Self.session()))
        for _ in 0..<250 {
            let bytes = Mutations.spoil(whole, using: &generator)
            do {
                let session = try JSONBody.decode(SessionTransfer.self, from: bytes).session
                _ = try await store.importSession(session, from: sender)
                let kept = try #require(try await store.exportSession(session.id, textLimit: .max))
                #expect(kept.covers(kept))
            } catch {
                #expect(error is ChatError, "\(error): \(String(decoding: bytes, as: UTF8.self))")
            }
        }
    }
}
