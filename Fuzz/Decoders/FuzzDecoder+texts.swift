// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithMembership
import KithModel
import KithTrust

extension FuzzDecoder {
    /// What stands in headers, addresses and the like.
    static let texts: [FuzzDecoder] = [
        FuzzDecoder(
            "json",
            seeds: [
                #"{"a":[1,-2.5e3,true,null,"x\u00e9\ud83d\ude00\n"],"b":{"c":1e400,"a":18446744073709551616}}"#,
                "[[[[]]]]", "\"",
            ]
        ) { bytes in
            guard let value = try? JSONBody.decode(JSONValue.self, from: bytes) else { return }
            let again = try? JSONBody.decode(JSONValue.self, from: value.jsonBytes)
            precondition(again == value, "what was written is not what was read")
        },
        FuzzDecoder(
            "traceparent",
            seeds: ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\nvendor=value,other=1", "ff-0-0-0"]
        ) { bytes in
            let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            _ = TraceContext(parent: String(lines.first ?? ""), state: lines.dropFirst().map(String.init))
        },
        FuzzDecoder("address", seeds: ["http://[fe80::1%25eth0]:8080/base", "kith.local:7443", "https://a", "[::1]:1"])
        { bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            if let address = HTTPAddress(text) {
                precondition(HTTPAddress(address.description) == address, "an address is not what it says it is")
            }
            if let address = PeerAddress(text) {
                precondition(PeerAddress(address.description) == address, "an address is not what it says it is")
            }
            _ = IPAddress(text)
            _ = AddressNetwork(of: text)
            _ = PathSegment.unescaped(text)
            _ = NodeID(text)
        },
        FuzzDecoder(
            "time", seeds: ["2026-03-01T12:00:00.250+01:00", "Sun, 06 Nov 1994 08:49:37 GMT", "9999-12-31T23:59:60Z"]
        ) { bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            for time in [WallTime(iso8601: text), WallTime(httpDate: text)].compactMap({ $0 }) { _ = time.rfc3339 }
        },
        FuzzDecoder("harmless", seeds: ["a\u{1B}[31mb\u{9B}2J\u{202E}c\r\n", "👩‍👩‍👧\u{E0041}\u{200F}"]) { bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            for place in [HarmlessText.Place.line, .block] {
                let shown = HarmlessText(text, for: place).description
                let acts = shown.unicodeScalars.contains {
                    HarmlessText.isHarmful($0) && !(place == .block && ($0 == "\n" || $0 == "\t"))
                }
                precondition(!acts && HarmlessText(shown, for: place).description == shown, "a text is not harmless")
            }
        },
        FuzzDecoder("peers-file", seeds: ["kith://desk:7443\n# a note\nhttp://10.0.0.2:8080 kin key=abc\n"]) { bytes in
            _ = PeersFile(bytes: bytes)
            _ = PeersFile(list: String(decoding: bytes, as: UTF8.self))
        },
        FuzzDecoder("pairing-code", seeds: [PairingSample.code, PairingSample.words]) { bytes in
            if case .success(let code) = PairingCode.read(String(decoding: bytes, as: UTF8.self)) {
                guard case .success(let again) = PairingCode.read(code.text), again == code else {
                    preconditionFailure("a code is not what it says it is")
                }
            }
        },
        FuzzDecoder("client-key", seeds: ["kith_abcdefgh_" + String(repeating: "a", count: 52)]) { bytes in
            _ = KeyRing().check(bytes, now: .epoch)
        },
    ]
}
