// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithModel
import KithTrust
import Testing
@testable import KithServer

@Suite("Who is let in")
struct AccessPolicyTests {
    private let apiKey = HTTPField.Name.apiKey

    private func caller(
        _ policy: AccessPolicy, fields: HTTPFields = [:], host: String? = "localhost",
        from source: RequestSource = RequestSource(address: nil)
    ) -> Result<Principal, AccessRefusal> {
        policy.caller(key: PresentedKey(fields), host: host, from: source) { key in
            key.text == "kith_good" ? .success(.control) : .failure(.keyRefused(.unknown, id: nil))
        }
    }

    @Test("On loopback nobody needs a key, and a word that is no key is overlooked")
    func loopback() {
        let policy = AccessPolicy(host: "127.0.0.1", requiresKey: false, allowedHosts: [])
        #expect(caller(policy) == .success(.local))
        #expect(caller(policy, host: nil) == .success(.local))
        for word in ["sk-1234", "unused", "ollama", "kith-like", "KITH_UP"] {
            #expect(caller(policy, fields: [.authorization: "Bearer \(word)"]) == .success(.local), "\(word)")
            #expect(caller(policy, fields: [apiKey: word]) == .success(.local), "\(word)")
        }
    }

    @Test("On loopback a key that is wrong is refused all the same, and a right one counts under any name")
    func keysOnLoopback() {
        let policy = AccessPolicy(host: "::1", requiresKey: false, allowedHosts: [])
        let refused = Result<Principal, AccessRefusal>.failure(.keyRefused(.unknown, id: nil))
        #expect(caller(policy, fields: [.authorization: "Bearer kith_bad"]) == refused)
        #expect(caller(policy, fields: [apiKey: "kith_bad"]) == refused)
        #expect(caller(policy, fields: [apiKey: "kith_good"], host: "proxy.example") == .success(.control))
    }

    @Test("What a proxy passes on needs a key, unless a named one says that it is this machine's")
    func passedOn() {
        let policy = AccessPolicy(host: "127.0.0.1", requiresKey: false, allowedHosts: [])
        let proxied = RequestSource(address: AddressRange("127.0.0.1"), passage: .passedOn)
        #expect(caller(policy, from: proxied) == .failure(.passedOn))
        #expect(caller(policy, fields: [apiKey: "unused"], from: proxied) == .failure(.keyRefused(.unknown, id: nil)))
        #expect(caller(policy, fields: [apiKey: "kith_good"], from: proxied) == .success(.control))
        let near = RequestSource(address: AddressRange("::1"), passage: .byNamedProxy)
        #expect(caller(policy, from: near) == .success(.local))
        let far = RequestSource(address: AddressRange("203.0.113.9"), passage: .byNamedProxy)
        #expect(caller(policy, from: far) == .failure(.passedOn))
    }

    @Test("A false key does not make another name one of this machine's")
    func falseKey() {
        let policy = AccessPolicy(host: "127.0.0.1", requiresKey: true, allowedHosts: [])
        #expect(
            caller(policy, fields: [apiKey: "kith_bad"], host: "evil.example") == .failure(.foreignHost("evil.example"))
        )
        #expect(caller(policy, host: "evil.example") == .failure(.foreignHost("evil.example")))
    }

    @Test(
        "On loopback a request without a key for another name is refused", arguments: ["evil.example", "10.0.0.1:80"])
    func foreignHost(host: String) {
        let policy = AccessPolicy(host: "127.0.0.1", requiresKey: false, allowedHosts: ["desk.lan"])
        #expect(caller(policy, host: host) == .failure(.foreignHost(host)))
        #expect(caller(policy, fields: [apiKey: "unused"], host: host) == .failure(.foreignHost(host)))
        #expect(caller(policy, host: "desk.lan:8080") == .success(.local))
    }

    @Test(
        "Where a key is needed, none and a wrong one are told apart", arguments: ["0.0.0.0", "::", "desk", "127.0.0.1"])
    func required(host: String) {
        let policy = AccessPolicy(host: host, requiresKey: host == "127.0.0.1", allowedHosts: [])
        #expect(caller(policy) == .failure(.keyMissing))
        #expect(caller(policy, fields: [.authorization: "Basic Zm9vOmJhcg=="]) == .failure(.keyMissing))
        #expect(caller(policy, fields: [apiKey: " "]) == .failure(.keyMissing))
        #expect(caller(policy, fields: [.authorization: "Bearer sk-1"]) == .failure(.keyRefused(.unknown, id: nil)))
        #expect(caller(policy, fields: [apiKey: "kith_good"], host: "anything") == .success(.control))
    }

    @Test(
        "A key is found in either header, and a word beside it does not hide it",
        arguments: [
            ["Bearer kith_good", nil], ["bearer kith_good", nil], ["BEARER   kith_good", nil], [nil, "kith_good"],
            ["Bearer sk-dummy", "kith_good"], ["Bearer kith_good", "dummy"], ["Basic x", "kith_good"],
        ] as [[String?]])
    func headers(pair: [String?]) {
        var fields = HTTPFields()
        fields[.authorization] = pair[0]
        fields[apiKey] = pair[1]
        #expect(PresentedKey(fields)?.text == "kith_good")
    }

    @Test("Everything but changes of trust is open to this machine's programs; a key opens what its scopes name")
    func principals() {
        let key = ClientKeyRecord(id: "k", name: "n", scopes: [.chat, .sync], digest: [], createdAt: .epoch)
        for scope in Scope.allCases {
            #expect(Principal.local.may(scope) == (scope != .admin))
            #expect(Principal.control.may(scope))
            #expect(Principal.key(key).may(scope) == [.chat, .sync].contains(scope))
        }
        #expect(([.chat, .peer] as RouteScope).isOpen(to: .key(key)))
        #expect(!([.assist, .peer] as RouteScope).isOpen(to: .key(key)))
    }
}
