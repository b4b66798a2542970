// SPDX-License-Identifier: Apache-2.0

package import KithModel
import KithTransport
import NIOCore
import NIOHTTP1

extension OpenAICompatibleEngine {
    package func passThrough(_ request: PassThroughRequest) async throws -> PassThroughAnswer {
        var (model, body) = (ModelID?.none, request.body)
        if request.modelPlace != nil {
            let name = try await catalogue.resolve(request.model, preferred: preferred)
            (model, body) = (name, try request.body(naming: name))
        }
        do {
            let response = try await connection.response(
                path: request.service.path, type: request.contentType, body: body, model: model,
                mark: request.mark,
                limits: UpstreamLimits(
                    firstByte: PassThroughAnswer.firstByteLimit, stall: PassThroughAnswer.stallLimit))
            let type = response.headers.first(name: "content-type") ?? "application/octet-stream"
            guard !type.lowercased().hasPrefix("text/html") else {
                throw ChatError(.unsupported, "\(connection.name) answered with a page")
            }
            return PassThroughAnswer(contentType: type, body: GuardedBody(response.body))
        } catch let failure as ChatError where Self.lacks(failure) {
            throw ChatError(
                .unsupported, "\(connection.name) does not offer \(request.service.words) (\(failure.message))")
        }
    }

    /// Whether the engine has nothing of the kind, and not only something against this request.
    private static func lacks(_ failure: ChatError) -> Bool {
        switch failure.code {
        case .unsupported: true
        case .invalidRequest: Feature.isDenied(in: failure.message)
        default: false
        }
    }
}
