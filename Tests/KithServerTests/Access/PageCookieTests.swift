// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithModel
import KithServer
import Testing

@Suite("The cookie of the page")
struct PageCookieTests {
    private static let site = HTTPField.Name.known("sec-fetch-site")

    private func head(
        _ fields: HTTPFields, method: HTTPRequest.Method = .get, scheme: String = "http",
        host: String = "localhost:8080",
        cookie: String = "kith-page-8080=wo", proof: String? = "rd"
    ) -> HTTPRequest {
        var fields = fields
        fields[PageCookie.proofField] = proof
        fields[.cookie] = cookie
        return HTTPRequest(method: method, scheme: scheme, authority: host, path: "/", headerFields: fields)
    }

    private func words(_ head: HTTPRequest) -> [String] { PageCookie(head).words(in: head) }

    @Test("It counts only where the browser says that the listener's own page asks")
    func origin() {
        let own: [HTTPFields] = [
            [Self.site: "same-origin"], [Self.site: "none"], [.origin: "http://localhost:8080"],
            [.origin: "http://localhost:8080", Self.site: "same-origin"],
        ]
        for fields in own { #expect(words(head(fields)) == ["word"], "\(fields)") }
        let others: [HTTPFields] = [
            [:], [Self.site: "same-site"], [Self.site: "cross-site"], [Self.site: ""],
            [.origin: "http://localhost:3000"], [.origin: "http://localhost:3000", Self.site: "same-origin"],
            [.origin: "http://localhost:8080", Self.site: "same-site"], [.origin: "null"],
            [.origin: "http://localhost"], [.origin: "http://127.0.0.1:8080"], [.referer: "http://localhost:8080/"],
        ]
        for fields in others { #expect(words(head(fields)).isEmpty, "\(fields)") }
    }

    @Test("It is half of the word: without the page's own half nothing counts")
    func proof() throws {
        let own: HTTPFields = [Self.site: "same-origin"]
        #expect(words(head(own, proof: nil)).isEmpty)
        #expect(words(head(own, proof: "")).isEmpty)
        #expect(words(head(own, proof: String(repeating: "x", count: 65))).isEmpty)
        #expect(words(head(own, method: .post)) == ["word"])
        let word = Secret("kithkith")
        #expect(PageCookie(head([:])).set(word).hasPrefix("kith-page-8080=kith;"))
        #expect(PageCookie.proof(of: word) == "kith")
    }

    @Test("A cookie of another port or another name does not count, and one that another port has set hides none")
    func names() {
        let own: HTTPFields = [Self.site: "same-origin"]
        for cookie in [
            "kith-page-8081=wo", "kith-page=wo", "kith-page-80800=wo", "x=kith-page-8080=wo", "kith-page-8080",
        ] {
            #expect(words(head(own, cookie: cookie)).isEmpty, "\(cookie)")
        }
        #expect(words(head(own, cookie: "a=b; kith-page-8080=one;kith-page-8080=two")) == ["onerd", "tword"])
        let many = (0..<100).map { "kith-page-8080=\($0)" }.joined(separator: "; ")
        #expect(words(head(own, cookie: many)).count == 4)
        let secure = head(own, scheme: "https", cookie: "kith-page-8080=wo; __Host-kith-page-8080=safe")
        #expect(words(secure) == ["saferd"])
        let plain = head(own, host: "localhost", cookie: "kith-page=wo")
        #expect(words(plain) == ["word"])
    }

    @Test("It is kept from scripts and from other sites, and over TLS from plain connections")
    func attributes() {
        let word = Secret("word")
        let plain = PageCookie(head([:])).set(word)
        #expect(plain == "kith-page-8080=wo; Path=/; Max-Age=604800; HttpOnly; SameSite=Strict")
        let secure = PageCookie(head([:], scheme: "https"))
        #expect(secure.set(word).hasPrefix("__Host-kith-page-8080=wo; Path=/;"))
        #expect(secure.set(word).hasSuffix("; Secure"))
        #expect(secure.cleared.contains("Max-Age=0"))
    }
}
