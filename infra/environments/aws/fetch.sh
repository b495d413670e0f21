# Brings a track's bundle and policy into FOLDER and holds them against their digests: the predictor starts only when this ends well.
# sh -eu; wants aws and the sha256sum of GNU.
aws s3 cp --only-show-errors "$BUNDLE_URI" "$FOLDER/model.bundle"
printf %s "$POLICY" > "$FOLDER/policy.json"
sha256sum --check --strict - << SUMS
$BUNDLE_DIGEST  $FOLDER/model.bundle
$POLICY_DIGEST  $FOLDER/policy.json
SUMS
# The predictor is another user.
chmod 0444 "$FOLDER/model.bundle" "$FOLDER/policy.json"
