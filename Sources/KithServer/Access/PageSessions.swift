// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
package import KithModel
package import KithTrust
import Synchronization

/// The browsers that have signed in to this node's page, until it stops.
package final class PageSessions: Sendable {
    private struct State {
        var sessions = PageSessionTable()
        var links = PageLinkTable()
    }

    private let state = Mutex(State())

    package init() {}

    /// - Returns: The word for the browser's cookie; `nil` when there are too many sessions.
    package func open(for holder: PageSessionTable.Holder, now: WallTime) -> Secret? {
        state.withLock { $0.sessions.open(for: holder, now: now) }
    }

    /// - Returns: Whose it was.
    package func close(_ word: String) -> PageSessionTable.Holder? {
        state.withLock { $0.sessions.close(word.utf8) }
    }

    /// A code with which the owner's browser may sign in once, within ``PageLinkTable/lifetime``.
    package func makeLink(now: WallTime) -> Secret { state.withLock { $0.links.make(now: now) } }

    package func redeem(_ code: String, now: WallTime) -> Bool {
        state.withLock { $0.links.redeem(code.utf8, now: now) }
    }

    fileprivate func holder(of word: String, now: WallTime) -> PageSessionTable.Holder? {
        state.withLock { $0.sessions.holder(of: word.utf8, now: now) }
    }
}

/// The cookie by which a browser shows that it has signed in to the page (RFC 6265).
///
/// Browsers send cookies to every port of a host, and for pages of its other ports as well, to which `SameSite` does not
/// apply. So its name holds the port, it counts only where the browser says that this listener's own page asks, and it is
/// one half of the word only: the page keeps the other half in its storage, which belongs to one port, and sends it in a field.
/// A program on another port that is sent the cookie has nothing of use.
package struct PageCookie: Sendable {
    /// In which the page sends its half of the word.
    package static let proofField = HTTPField.Name.known("x-kith-page")
    private static let proofLimit = 64
    /// Cookies of one name that are tried: another port of this host can set some too.
    private static let limit = 4

    private let name: String
    private let isSecure: Bool

    /// The cookie of the listener that a request was sent to.
    package init(_ head: HTTPRequest) {
        isSecure = head.scheme == "https"
        let port = head.authority.flatMap { host in host.lastIndex(of: ":").map { host[host.index(after: $0)...] } }
        let digits = port.flatMap { UInt16($0) }.map { "-\($0)" } ?? ""
        // Browsers take such a name only from the host itself, over TLS (RFC 6265bis, 4.1.3.2).
        name = (isSecure ? "__Host-" : "") + "kith-page" + digits
    }

    /// The words that the browser shows, if the request comes from the listener's own page; most are no session's.
    package func words(in head: HTTPRequest) -> [String] {
        guard let field = head.headerFields[.cookie], Self.isOfOwnPage(head),
            let proof = head.headerFields[Self.proofField], (1...Self.proofLimit).contains(proof.utf8.count)
        else { return [] }
        let halves = field.split(separator: ";").compactMap { pair -> Substring? in
            let pair = pair.drop { $0 == " " }
            guard pair.hasPrefix(name), pair.dropFirst(name.count).first == "=" else { return nil }
            return pair.dropFirst(name.count + 1)
        }
        return halves.prefix(Self.limit).map { $0 + proof }
    }

    /// The field `Set-Cookie` for a browser that has signed in.
    package func set(_ word: Secret) -> String {
        attributes("\(name)=\(Self.halves(of: word).cookie)", age: Int(PageSessionTable.lifetime.components.seconds))
    }

    /// The half that the page keeps.
    package static func proof(of word: Secret) -> String { String(halves(of: word).page) }

    private static func halves(of word: Secret) -> (cookie: Substring, page: Substring) {
        let text = word.reveal()
        let middle = text.index(text.startIndex, offsetBy: text.count / 2)
        return (text[..<middle], text[middle...])
    }

    /// For one that has signed out.
    package var cleared: String { attributes("\(name)=", age: 0) }

    private func attributes(_ pair: String, age: Int) -> String {
        "\(pair); Path=/; Max-Age=\(age); HttpOnly; SameSite=Strict" + (isSecure ? "; Secure" : "")
    }

    private static func isOfOwnPage(_ head: HTTPRequest) -> Bool {
        let fields = head.headerFields
        return (fields[.origin] != nil || fields[.secFetchSite] != nil) && !RequestOrigin(head).isForeign()
    }
}

extension AccessControl {
    /// The right that a browser's cookie stands for.
    ///
    /// - Returns: `nil` when the request shows none.
    func pageCaller(_ head: HTTPRequest) -> Result<Principal, AccessRefusal>? {
        let words = PageCookie(head).words(in: head)
        guard !words.isEmpty else { return nil }
        let now = WallTime.now()
        for word in words {
            switch page.holder(of: word, now: now) {
            case nil: continue
            case .owner: return .success(.control)
            case .key(let id):
                if let record = keys.standing(of: id, now: now) { return .success(.key(record)) }
                _ = page.close(word)
            }
        }
        return .failure(.sessionEnded)
    }

    /// Whose right a session gets for the key or the owner's token that a request shows.
    ///
    /// - Throws: ``AccessRefusal``.
    package func holder(_ head: HTTPRequest) throws(AccessRefusal) -> PageSessionTable.Holder {
        guard let key = PresentedKey(head.headerFields) else { throw .keyMissing }
        return switch try verdict(key).get() {
        case .key(let record): .key(record.id)
        case .control: .owner
        case .local: throw .keyMissing
        }
    }
}

extension PageCookie {
    /// Why a request may not sign a browser in; `nil` when it may. Programs may: they do not say what page they serve.
    package static func refusal(of head: HTTPRequest) -> AccessRefusal? {
        RequestOrigin(head).isForeign() ? .foreignOrigin(head.headerFields[.origin] ?? "another site") : nil
    }
}
