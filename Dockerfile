# The image of Ringcheck: operator, agent, responder and command line. What is in it is listed in image/files.ts.
FROM node:26.10.0-bookworm AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts
COPY . .
RUN node image/files.ts /root-of-image

FROM scratch
COPY --from=build /root-of-image/ /
ENV PATH=/usr/local/bin HOME=/tmp
WORKDIR /app
USER 65532:65532
ENTRYPOINT ["node", "/app/cli/main.ts"]
