// SPDX-License-Identifier: Apache-2.0

/// Why the registry does not do what it was asked to.
package enum RegistryRefusal: Error, Hashable, Sendable {
    /// A field that cannot be taken, by its name in JSON, and why.
    case unusable(field: String, why: String)
    /// The id belongs to someone else until it expires.
    case taken(String)
    /// No such entry, or not any more.
    case unknown(String)
    /// The entry belongs to someone else.
    case foreign(String)
    /// The limit on entries, or on those of one owner.
    case full(Int)

    package var message: String {
        switch self {
        case .unusable(_, let why): why
        case .taken(let id): "Cell \(id) is registered by somebody else, who has not let it expire"
        case .unknown(let id): "Peer \(id) not registered. Call /register first."
        case .foreign(let id): "Cell \(id) was registered by somebody else"
        case .full(let limit): "No more than \(limit) cells can be registered"
        }
    }
}
