// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What kin ask each other of the weights of models, and answer.
package enum WeightsMessage {
    /// Parts of a model at most; Ollama's have some ten.
    package static let partLimit = 64

    /// Of what a model is made, or whether a file is there.
    package struct Question: Codable, Hashable, Sendable {
        /// The model; missing to ask for one file.
        package var name: String?
        /// The file; missing to ask for a model.
        package var digest: WeightsDigest?

        package init(name: String) { self.name = name }
        package init(digest: WeightsDigest) { self.digest = digest }
    }

    /// A file, with what its pieces hold.
    package struct Part: Codable, Hashable, Sendable {
        package var digest: WeightsDigest
        package var bytes: Int
        /// What it is to its model, in the words of the form.
        package var type: String
        /// The digests of its pieces, each 64 digits, one after another.
        package var pieces: String

        package init(digest: WeightsDigest, bytes: Int, type: String, pieces: String) {
            self.digest = digest
            self.bytes = bytes
            self.type = type
            self.pieces = pieces
        }
    }

    /// How far a node is in reading its files, which it does once before it sends them.
    package struct Checking: Codable, Hashable, Sendable {
        package var completedBytes: Int
        package var totalBytes: Int

        package init(completedBytes: Int, totalBytes: Int) {
            self.completedBytes = completedBytes
            self.totalBytes = totalBytes
        }

        private enum CodingKeys: String, CodingKey {
            case completedBytes = "completed_bytes"
            case totalBytes = "total_bytes"
        }
    }

    package struct Offer: Codable, Hashable, Sendable {
        /// The model's whole name; that of the question's digest where no model was asked for.
        package var name: String
        package var form: WeightsForm
        /// Empty while they are being checked.
        package var parts: [Part]
        /// Present while they are being checked: ask again.
        package var checking: Checking?

        package init(name: String, form: WeightsForm, parts: [Part], checking: Checking? = nil) {
            self.name = name
            self.form = form
            self.parts = parts
            self.checking = checking
        }
    }

    /// One piece of a file, whose bytes are the answer.
    package struct PieceRequest: Codable, Hashable, Sendable {
        package var digest: WeightsDigest
        /// From 0.
        package var piece: Int

        package init(digest: WeightsDigest, piece: Int) {
            self.digest = digest
            self.piece = piece
        }
    }
}
