// Tells the agent's tools which stream and thread they work for. Sub-agents have sessions of their own,
// so the parents are asked until one knows. What the server needs for itself is kept from the tools.
export const WorkEnvironment = async ({ client }) => ({
  "shell.env": async (input, output) => {
    output.env.OPENCODE_SERVER_PASSWORD = ""
    if (process.env.WORK_NPM_ONLINE) output.env.npm_config_offline = "false"
    try {
      for (let id = input.sessionID, depth = 0; id && depth < 16; depth++) {
        const { data } = await client.session.get({ path: { id } })
        const work = data?.metadata?.work
        if (work) {
          Object.assign(output.env, work.env ?? {})
          output.env.WORK_STREAM = work.stream
          output.env.WORK_THREAD = work.thread
          break
        }
        id = data?.parentID
      }
    } catch {
      // A tool without these variables is better than no tool.
    }
  },
})
