// SPDX-License-Identifier: Apache-2.0

/// Why a text must not go to somebody else's node. Names the kind of thing that was found, and never quotes it.
package struct SharingRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Reason: String, Hashable, Sendable, CaseIterable {
        case emailAddress = "email-address"
        case phoneNumber = "phone-number"
        case networkAddress = "network-address"
        case path
        case url
        case key
        case nationalID = "national-id"
        case code
        /// Letter by letter, which hides a text from all other rules.
        case spelledOut = "spelled-out"
        /// Four words in a row that this node's user has said, or been told, in private.
        case privateMemory = "private-memory"
        case tooLong = "too-long"
        /// What is private could not be read, so nothing can be compared with it.
        case unknown
    }

    package var reason: Reason

    package init(_ reason: Reason) { self.reason = reason }

    package var description: String {
        switch reason {
        case .emailAddress: "it holds an e-mail address or a handle"
        case .phoneNumber: "it holds a number as long as a telephone number"
        case .networkAddress: "it holds a network address"
        case .path: "it holds the path or the name of a file"
        case .url: "it holds a link or the name of a site"
        case .key: "it holds something that looks like a key or a password"
        case .nationalID: "it holds something that looks like the number of a person, an account or a card"
        case .code: "it holds code"
        case .spelledOut: "it spells something out letter by letter"
        case .privateMemory: "four words in a row are from what is private here"
        case .tooLong: "it is too long"
        case .unknown: "what is private here could not be read, to compare it"
        }
    }
}
