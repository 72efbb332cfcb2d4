// Shows the log-in of a gateway in a frame, and hands its token to the app. Only messages of this frame and this gateway count.
export default function ({ parentElement, data, setStateValue }) {
  const { src, origin, height, known } = data;
  let frame = parentElement.querySelector("iframe");
  if (!frame || frame.dataset.src !== src) {
    frame = document.createElement("iframe");
    frame.dataset.src = src;
    frame.src = src;
    frame.title = "Log in and plans";
    frame.style.cssText = `border: 0; border-radius: 10px; width: 100%; height: ${Number(height)}px; color-scheme: light dark`;
    parentElement.replaceChildren(frame);
  }
  let told = known ? frame.told : null; // an app that began anew is told again
  const tell = (token, end) => {
    if (told === token) return;
    told = frame.told = token;
    setStateValue("token", token === null ? null : { token, end });
  };
  const listen = ({ origin: from, source, data: message }) => {
    if (from !== origin || source !== frame.contentWindow || !message) return;
    if (message.type === "streamlit:token") tell(String(message.data.jwtToken.accessToken), Number(message.data.end));
    if (message.type === "streamlit:logout") tell(null);
    if (message.type === "streamlit:height")
      frame.style.height = `${Math.min(Math.max(Number(message.data.height) || 0, 80), 900) + 2}px`;
  };
  removeEventListener("message", frame.listen);
  frame.listen = listen;
  addEventListener("message", listen);
  return () => removeEventListener("message", listen);
}
