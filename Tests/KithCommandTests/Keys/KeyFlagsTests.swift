// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import KithModel
import Testing

@Suite("Keys as they are asked for")
struct KeyFlagsTests {
    @Test(
        "Scopes may be repeated or separated by commas, in any order and case",
        arguments: [["chat,read"], ["read", "chat"], ["READ, Chat"], ["chat", "read,chat"]])
    func scopes(texts: [String]) throws {
        let request = try KeyFlags.request(name: "phone", scopes: texts, expires: "30d")
        #expect(request.scopes == [.chat, .read])
        #expect(request.expiresSeconds == 2_592_000)
        #expect(request.name == "phone")
    }

    @Test("Without a time the key counts until it is revoked")
    func endless() throws {
        #expect(try KeyFlags.request(name: "phone", scopes: ["chat"], expires: nil).expiresSeconds == nil)
    }

    @Test(
        "What cannot be used is refused with what would be right",
        arguments: [
            ("phone", ["chta"], nil, "did you mean chat?"), ("phone", ["everything"], nil, "there are chat, assist"),
            ("phone", [], nil, "--scope"), ("phone", [","], nil, "scope"), ("", ["chat"], nil, "--name"),
            ("a\u{1B}b", ["chat"], nil, "--name"), (String(repeating: "n", count: 129), ["chat"], nil, "--name"),
            ("phone", ["chat"], "soon", "--expires"), ("phone", ["chat"], "4000d", "--expires"),
        ] as [(String, [String], String?, String)])
    func refused(name: String, scopes: [String], expires: String?, mentions: String) {
        let failure = #expect(throws: CommandError.self) {
            try KeyFlags.request(name: name, scopes: scopes, expires: expires)
        }
        #expect(failure?.status == .usage)
        #expect(failure?.message.contains(mentions) == true, "\(failure?.message ?? "")")
    }
}

@Suite struct KeyLimitFlagsTests {
    @Test(
        arguments: [
            (.init(rate: "60"), "--rate"), (.init(rate: "0/min"), "--rate"), (.init(rate: "-1/min"), "--rate"),
            (.init(tokensPerDay: 0), "--tokens-per-day"), (.init(tokensPerDay: .max), "--tokens-per-day"),
            (.init(tokensPerDay: -5), "--tokens-per-day"), (.init(concurrent: 0), "--concurrent"),
            (.init(concurrent: .max), "--concurrent"), (.init(priority: "highest"), "--priority"),
            (.init(models: [""]), "--models"), (.init(models: ["a\nb"]), "--models"),
            (.init(models: Array(repeating: "m", count: 1) + (0..<64).map { "m\($0)" }), "--models"),
            (.init(addresses: ["10.0.0.7/8"]), "--allow"), (.init(addresses: ["here"]), "--allow"),
        ] as [(ControlMessage.Limits, String)])
    func `a limit that means nothing is refused by the flag's name`(limits: ControlMessage.Limits, flag: String) {
        let failure = #expect(throws: CommandError.self) {
            try KeyFlags.request(name: "phone", scopes: ["chat"], expires: nil, limits: limits)
        }
        #expect(failure?.status == .usage)
        #expect(failure?.message.hasPrefix(flag) == true, "\(failure?.message ?? "")")
    }

    @Test func `without a flag a key has no limits`() throws {
        #expect(try KeyFlags.request(name: "phone", scopes: ["chat"], expires: nil).limits == nil)
        #expect(KeyFlags.entries([]) == nil)
        #expect(KeyFlags.entries(["a, b", "c"]) == ["a", "b", "c"])
    }

    @Test func `limits and what was used stand in the list where there are any`() {
        let record = ClientKeyRecord(
            id: "abcd", name: "n", scopes: [.chat], digest: [], createdAt: WallTime(milliseconds: 1_790_000_000_000),
            limits: KeyLimits(rate: RequestRate(60, per: .minute), concurrent: 2, priority: .batch, models: ["m"]))
        let key = ControlMessage.Key(record, now: record.createdAt, tokensToday: 12)
        let lines = KeysReport([key], width: nil, style: .plain).lines
        #expect(lines[0].hasSuffix("EXPIRES  TOKENS TODAY  LIMITS"))
        #expect(lines[1].hasSuffix("60/min, 2 at once, batch, models m"))
    }
}

@Suite("Keys for people")
struct KeysReportTests {
    private func key(expires: Bool) -> ControlMessage.Key {
        let now = WallTime(milliseconds: 1_790_000_000_000)
        return ControlMessage.Key(
            ClientKeyRecord(
                id: "abcd", name: "phone", scopes: [.read, .chat], digest: [], createdAt: now,
                expiresAt: expires ? now.advanced(by: .seconds(86_400)) : nil), now: now)
    }

    @Test("A key is listed with its id, scopes, state and times, without its secret")
    func list() {
        #expect(
            KeysReport([key(expires: true), key(expires: false)], width: nil, style: .plain).lines == [
                "ID    NAME   SCOPES      STATE   CREATED               EXPIRES",
                "abcd  phone  chat, read  usable  2026-09-21 14:13 UTC  2026-09-22 14:13 UTC",
                "abcd  phone  chat, read  usable  2026-09-21 14:13 UTC  never",
            ])
    }

    @Test("Where there is none, the command that makes one is named")
    func none() { #expect(KeysReport([], width: 80, style: .plain).lines == ["no keys; kith key create makes one"]) }

    @Test("Beside a new key stand what it may do, until when, and how it is ended")
    func notes() {
        let notes = KeysReport.notes(key(expires: false))
        #expect(notes[1] == "it may chat, read, until it is revoked; kith key revoke abcd ends it at once")
    }
}

@Suite("Keys as they are pointed at")
struct KeyChoiceTests {
    private func key(_ id: String, _ name: String, isRevoked: Bool = false) -> ControlMessage.Key {
        ControlMessage.Key(
            ClientKeyRecord(
                id: id, name: name, scopes: [.chat], digest: [], createdAt: .epoch, revokedAt: isRevoked ? .epoch : nil),
            now: .epoch)
    }

    @Test("An id goes before a name, and a revoked key gives its name free")
    func found() throws {
        let keys = [key("a", "b"), key("b", "phone", isRevoked: true), key("c", "phone")]
        #expect(try KeyChoice.find("b", in: keys).id == "b")
        #expect(try KeyChoice.find("phone", in: keys).id == "c")
    }

    @Test("A name of several keys is refused with their ids, one of none with where to look")
    func refused() {
        let keys = [key("a", "phone"), key("b", "phone")]
        let several = #expect(throws: CommandError.self) { try KeyChoice.find("phone", in: keys) }
        #expect(several?.message.hasSuffix("by its id: a, b") == true)
        let none = #expect(throws: CommandError.self) { try KeyChoice.find("tablet", in: keys) }
        #expect(none?.message.contains("kith key list") == true)
    }
}
